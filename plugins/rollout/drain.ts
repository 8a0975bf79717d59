/** A process that is to be replaced is told to leave its clients to others, and has the time to serve those it has. */
import { existsSync } from 'node:fs';
import { childrenOf, reasonOf, send, signalName, sleep, withoutSecrets } from '#core';
import type { Arbiter, Log, PluginContext, Process, Watcher } from '#core';
import { plain } from '../plain.js';
import { programOf } from '../exec.js';
import { withoutCode } from '../variables.js';
import type { Connections } from './connections.js';
import type { Drain } from './schema.js';
import { settingsOf } from './settings.js';

/** What drains are made with. */
export interface DrainContext extends Pick<PluginContext, 'run'> {
  readonly arbiter: Arbiter;
  readonly log: Log;
  /** The folder of the configuration. */
  readonly folder: string;
  /** Where the daemon takes commands; undefined: nowhere. */
  readonly endpoint: string | undefined;
}

/** How often connections are looked for, and how long a program may take to do as it is told (ms). */
const every = 50;
const obeying = 500;
/** So much of what a command says is told. */
const longest = 200;

/** The processes that leave, and how many clients each still has. */
export class Drains {
  readonly #context: DrainContext;
  readonly #leaving = new Map<Process, number>();

  constructor(context: DrainContext) {
    this.#context = context;
  }

  /** How many clients are still connected to a process that leaves; undefined for one that does not. */
  clientsOf(process: Process): number | undefined {
    return this.#leaving.get(process);
  }

  /** Tells a process to leave, and resolves when it has no client any more; what fails is in the log. */
  async drain(process: Process, connections: Connections, signal: AbortSignal): Promise<void> {
    const watcher = this.#context.arbiter.find(process.watcher);
    const drain = watcher && settingsOf(watcher.spec).drain;
    if (!drain) return;
    this.#leaving.set(process, 0);
    try {
      const why = await this.#tell(watcher, process, drain, signal);
      if (why === undefined) await this.#emptied(process, connections, signal);
      else if (!signal.aborted)
        this.#context.log.warn(`${watcher.name}: process ${process.pid} is stopped without reload.drain, which ${why}`);
    } finally {
      this.#leaving.delete(process);
    }
  }

  /** Why it could not be told, as a phrase; undefined when it was. */
  async #tell(watcher: Watcher, process: Process, drain: Drain, signal: AbortSignal): Promise<string | undefined> {
    if (!('signal' in drain)) return this.#run(watcher, process, drain.words, signal);
    if (watcher.spec.stop_children) for (const pid of childrenOf(process.pid)) send(pid, drain.signal);
    return (await process.signal(drain.signal))
      ? undefined
      : `could not send ${signalName(drain.signal) ?? `signal ${drain.signal}`}`;
  }

  async #run(
    { name, spec }: Watcher,
    { pid, wid }: Process,
    [word = '', ...args]: readonly string[],
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { folder, endpoint, run } = this.#context;
    const facts = { CIRCUS_HOOK: 'drain', CIRCUS_WATCHER: name, CIRCUS_WID: String(wid), CIRCUS_PID: String(pid) };
    const env = {
      ...withoutCode(spec.env ?? {}),
      ...facts,
      ...(endpoint !== undefined && { CIRCUSCTL_ENDPOINT: endpoint }),
    };
    const cwd = existsSync(spec.working_dir) ? spec.working_dir : folder;
    try {
      const { code, stdout, stderr } = await run(programOf(word, folder), args, { env, cwd, signal });
      if (code === 0) return undefined;
      const said = plain(withoutSecrets(stderr.trim() || stdout.trim(), spec).slice(0, longest), ' ');
      return `${code === null ? 'was killed' : `exited with code ${code}`}${said && `: ${said}`}`;
    } catch (error) {
      return `can't be run: ${reasonOf(error)}`;
    }
  }

  async #emptied(process: Process, connections: Connections, signal: AbortSignal): Promise<void> {
    const { clock } = this.#context.arbiter;
    const told = clock.monotonic();
    for (;;) {
      const sight = await connections.look();
      if (!sight) return;
      this.#leaving.set(process, sight.connections);
      // Until it has had the time to obey, it may still accept.
      const obeys = !sight.listens || clock.monotonic() - told >= obeying;
      if (sight.connections === 0 && obeys) return;
      await sleep(clock, every, signal);
      if (signal.aborted) return;
    }
  }
}
