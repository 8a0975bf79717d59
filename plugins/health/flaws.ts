/** Settings that contradict each other, or can't come true. */
import { reasonOf, type SocketSpec, type WatcherSpec } from '#core';
import { readAddress, readUrl, type Address } from '../address.js';
import type { Flaw } from '../flaw.js';
import { truthOf } from '../truth.js';
import type { Settings } from './settings.js';
import { fillIn, readWords, socketAt } from './values.js';

/** Copies that are looked at: a reload counts one beyond the number wanted. */
const mostCopies = 1000;
const inSeconds = (ms: number) => `${ms / 1000} s`;

/** What is wrong with settings whose values are right by themselves. */
export function flawsOf(spec: WatcherSpec, settings: Settings, sockets: readonly SocketSpec[]): readonly Flaw[] {
  return [
    ...groupFlaws('ready', spec, settings),
    ...groupFlaws('alive', spec, settings),
    ...timeFlaws(spec, settings),
    ...noticeFlaws(spec, settings),
    ...actionFlaws(spec, settings),
    ...channelFlaws(spec, settings, sockets),
    ...(['ready', 'alive'] as const).flatMap((group) => addressFlaws(group, spec, settings[group], sockets)),
  ];
}

const writes = ({ options }: WatcherSpec, key: string) => options[key] != null;

/** Settings of a group in which they have nothing to say. */
function groupFlaws(group: 'ready' | 'alive', spec: WatcherSpec, settings: Settings): readonly Flaw[] {
  const { http, tcp, exec } = settings[group];
  const flaw = (name: string, message: string) =>
    writes(spec, `${group}.${name}`) ? [{ key: `${group}.${name}`, message }] : [];
  const asks = [http, tcp, exec].some((one) => one !== undefined);
  const flaws: Flaw[] = [];
  if (http === undefined)
    for (const name of ['http_status', 'http_body']) flaws.push(...flaw(name, `needs a "${group}.http"`));
  const { ready, alive } = settings;
  const waits =
    ready.listen !== false || ready.log || ready.notify || ready.fd || ready.ipc || ready.delay !== undefined;
  const watches = asks || alive.notify !== undefined || alive.loop_lag !== undefined;
  const idle = group === 'ready' ? !asks && !waits : !watches;
  const names = [
    'timeout',
    'interval',
    'probe_timeout',
    'initial_delay',
    'success_threshold',
    'failure_threshold',
    'jitter',
    ...['action', 'action_timeout', 'dump', 'dump_timeout'],
  ];
  if (idle)
    for (const name of names)
      flaws.push(...flaw(name, `has nothing to be about: no condition is named, such as "${group}.http"`));
  if (group === 'ready' && ready.listen === false) flaws.push(...flaw('settle', 'needs a "ready.listen"'));
  if (group === 'ready' && spec.ready_after !== null && (asks || waits))
    flaws.push({
      key: 'ready_after',
      message: 'is for watchers without a condition: write "ready.delay" beside others',
    });
  return flaws;
}

/** Times that can't be met. */
function timeFlaws(spec: WatcherSpec, { ready, alive }: Settings): readonly Flaw[] {
  const { timeout, interval, initial_delay, success_threshold } = ready;
  /** Two keys with their times: the first must not be longer than the second, or must be shorter. */
  const rules: readonly (readonly [string, number, string, number, 'longer' | 'not shorter'])[] = [
    ['ready.probe_timeout', ready.probe_timeout, 'ready.interval', interval, 'longer'],
    ['ready.interval', interval, 'ready.timeout', timeout, 'longer'],
    ['ready.initial_delay', initial_delay, 'ready.timeout', timeout, 'not shorter'],
    ['ready.delay', ready.delay ?? 0, 'ready.timeout', timeout, 'not shorter'],
    ['ready.settle', ready.settle, 'ready.timeout', timeout, 'not shorter'],
    ['alive.timeout', alive.timeout, 'alive.interval', alive.interval, 'longer'],
  ];
  const flaws = rules
    .filter(([, time, , limit, how]) => (how === 'longer' ? time > limit : time >= limit))
    .map(([key, time, other, limit, how]) => ({
      // What is a default is not to blame.
      key: writes(spec, key) ? key : other,
      message: `can't be met: "${key}" is ${inSeconds(time)}, which is ${how} than "${other}", ${inSeconds(limit)}`,
    }));
  const needed = initial_delay + (success_threshold - 1) * interval;
  if (flaws.length > 0 || needed < timeout) return flaws;
  const key = writes(spec, 'ready.success_threshold') ? 'ready.success_threshold' : 'ready.timeout';
  const words = `${success_threshold} successes take ${inSeconds(needed)}, which is not shorter than "ready.timeout", ${inSeconds(timeout)}`;
  return [{ key, message: `can't be met: ${words}` }];
}

/** Settings of what is done that have nothing to say, or could not do it. */
function actionFlaws(spec: WatcherSpec, { alive }: Settings): readonly Flaw[] {
  const { action, dump } = alive;
  const flaw = (isWrong: boolean, name: string, message: string): readonly Flaw[] =>
    isWrong && writes(spec, `alive.${name}`) ? [{ key: `alive.${name}`, message }] : [];
  const replaces = action.does === 'replace' || action.does === 'drain';
  const blocked = alive.loop_lag !== undefined && alive.loop_lag > alive.interval;
  return [
    ...flaw(action.does !== 'exec', 'action_timeout', 'needs an "alive.action = exec:COMMAND"'),
    ...flaw(!replaces, 'dump', `comes before a replacement, and "alive.action" is ${action.does}: nothing is replaced`),
    ...flaw(dump === undefined, 'dump_timeout', 'needs an "alive.dump"'),
    ...flaw(
      blocked,
      'loop_lag',
      `can't be met: it is longer than "alive.interval", ${inSeconds(alive.interval)}, in which it is to be seen`,
    ),
    ...flaw(
      action.does === 'drain' && spec.singleton,
      'action',
      'is drain, which starts another process first, and "singleton" is on: write replace',
    ),
  ];
}

function noticeFlaws(spec: WatcherSpec, { ready, alive, notify }: Settings): readonly Flaw[] {
  const isOff = truthOf(String(spec.options['notify'])) === false;
  const keys = [
    ...(writes(spec, 'ready.notify') && ready.notify ? ['ready.notify'] : []),
    ...(alive.notify === undefined ? [] : ['alive.notify']),
  ];
  return notify !== undefined && isOff
    ? keys.map((key) => ({ key, message: 'waits for notices, and "notify" is off' }))
    : [];
}

/** Descriptors that are taken, or closed. */
function channelFlaws(spec: WatcherSpec, { ready }: Settings, sockets: readonly SocketSpec[]): readonly Flaw[] {
  const flaws: Flaw[] = [];
  if (ready.log && spec.close_child_stdout && spec.close_child_stderr)
    flaws.push({ key: 'ready.log', message: 'has nothing to read, as both outputs are closed' });
  const passed = spec.listen_fds ? spec.sockets.length || sockets.length : 0;
  if (ready.fd !== undefined && ready.fd < 3 + passed)
    flaws.push({ key: 'ready.fd', message: `is ${ready.fd}, where "listen_fds" puts a socket` });
  return flaws;
}

/** Addresses and commands that can't be read, and addresses at which another copy may answer. */
function addressFlaws(
  group: 'ready' | 'alive',
  spec: WatcherSpec,
  { http, tcp, exec }: Settings['ready'] | Settings['alive'],
  sockets: readonly SocketSpec[],
): readonly Flaw[] {
  const copies = Math.min(mostCopies, spec.numprocesses + 1);
  const env = { ...spec.env };
  for (const name of spec.secrets) env[name] = '***';
  const check = (
    name: string,
    text: string | undefined,
    read: (text: string) => Address | readonly string[],
  ): Flaw[] => {
    const key = `${group}.${name}`;
    if (text === undefined) return [];
    for (let wid = 1; wid <= copies; wid++) {
      try {
        const found = read(fillIn(text, wid, env));
        const socket = 'host' in found && !spec.singleton ? socketAt(found, sockets) : undefined;
        const why = 'at which any of its processes may answer: give each an address of its own, with $(circus.wid)';
        if (socket) return [{ key, message: `points at socket "${socket.name}", ${why}` }];
      } catch (error) {
        return [{ key, message: reasonOf(error) }];
      }
    }
    return [];
  };
  return [...check('http', http, readUrl), ...check('tcp', tcp, readAddress), ...check('exec', exec, readWords)];
}
