/** What is done about a process that does not work any more. */
import { send, sleep, type Process, type Watcher } from '#core';
import { runCommand } from '../exec.js';
import type { WatchTools } from './liveness.js';
import type { AliveSettings } from './settings.js';

/** Why a process is not alive: the key of the condition, and a phrase that goes on after "it". */
export interface Failure {
  readonly key: string;
  readonly how: string;
}

/** After a replacement that came to nothing, in ms. */
const pause = 30_000;

/** Acts; resolves when it is through, which does not mean that the process is gone. */
export async function act(
  process: Process,
  watcher: Watcher,
  { key, how }: Failure,
  { action, action_timeout, dump, dump_timeout }: AliveSettings,
  tools: WatchTools,
  signal: AbortSignal,
): Promise<void> {
  if (process.stopping) return;
  const { log, by, publish, replacements, arbiter } = tools;
  const reason = `${key}: it ${how}`;
  const replaces = action.does === 'replace' || action.does === 'drain';
  log.warn(`${watcher.name}: process ${process.pid} is ${replaces ? 'replaced' : 'not well'}: ${reason}`);
  publish('unhealthy', process, reason);
  const command = (words: readonly string[], timeout: number) =>
    runCommand(words, {
      ...tools,
      ...{ label: `${watcher.name}: ${words[0]}`, timeout, signal },
      facts: {
        CIRCUS_WATCHER: watcher.name,
        CIRCUS_WID: process.wid,
        CIRCUS_PID: process.pid,
        CIRCUS_CONDITION: key,
        CIRCUS_REASON: reason,
        CIRCUSCTL_ENDPOINT: tools.endpoint,
      },
    });
  if (action.does === 'exec') await command(action.words, action_timeout);
  if (!replaces) return;
  if (dump && 'words' in dump) await command(dump.words, dump_timeout);
  // Nobody tells when it has written what it has to say; it may also end by that.
  else if (dump && send(process.pid, dump.signal)) await sleep(arbiter.clock, dump_timeout, signal);
  if (signal.aborted || process.stopping) return;
  // Not one more first, as in a reload: this one serves nobody, and may hold what its successor needs.
  if (action.does === 'replace') return watcher.kill([process], { by });
  const state = await replacements.replace(process, watcher, reason);
  if (state !== 'done') await sleep(arbiter.clock, pause, signal);
}
