/** The options of a watcher as Circus's clients see and set them (circus-compat §3.6 `options`, §3.7). */
import type { Watcher, WatcherSpec } from '#core';
import { truthOf } from '../truth.js';
import { integers, isId, isObject, numbers, stopSteps, type Spec } from './option-check.js';

/** The kernel's own options that `options` lists. */
const listed = [
  'args',
  'close_child_stderr',
  'close_child_stdin',
  'close_child_stdout',
  'cmd',
  'copy_env',
  'env',
  'executable',
  'graceful_timeout',
  'max_retry',
  'numprocesses',
  'priority',
  'respawn',
  'send_hup',
  'shell',
  'shell_args',
  'singleton',
  'stop_children',
  'stop_signal',
  'use_sockets',
  'warmup_delay',
  'working_dir',
] as const satisfies readonly (keyof WatcherSpec)[];

const unlisted = [
  'listen_fds',
  'ready_after',
  'secrets',
  'sockets',
  'stop_steps',
] as const satisfies readonly (keyof WatcherSpec)[];

/** Options of plugins that Circus lists for every watcher, with what they are when nobody has set them. */
const borrowed: Readonly<Record<string, unknown>> = {
  gid: null,
  max_age: 0,
  max_age_variance: 30,
  on_demand: false,
  uid: null,
};
const borrowedNumbers = new Set(['max_age', 'max_age_variance']);
const streams = ['stderr_stream', 'stdout_stream'] as const;
/** Keys that are no options of their own in a listing. */
const hidden = (key: string) =>
  /^(stdout_stream|stderr_stream|hooks|rlimit_)/.test(key) || key === 'copy_path' || key === 'virtualenv';

function borrowedValue(key: string, value: unknown): unknown {
  if (key === 'on_demand') return value === true || truthOf(String(value)) === true;
  return borrowedNumbers.has(key) ? Number(value) : value;
}

/** What stands where a secret would. */
const mask = '***';

/** The environment of a spec as it may be shown: secrets are masked, and all values for who is `blind` to them. */
function maskedEnvironment({ env, secrets }: WatcherSpec, blind: boolean): WatcherSpec['env'] {
  if (env === null || (secrets.length === 0 && !blind)) return env;
  const isHidden = (name: string) => blind || secrets.includes(name);
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, isHidden(name) ? mask : value]));
}

/** What reloads under way are to bring, by watcher. */
const coming = new WeakMap<Watcher, Set<Spec>>();

/** Has clients see these options as they were set while `work` still brings them to the processes, as in Circus. */
export async function whileComing<T>(watcher: Watcher, options: Spec, work: Promise<T>): Promise<T> {
  const all = coming.get(watcher) ?? new Set();
  coming.set(watcher, all.add(options));
  try {
    return await work;
  } finally {
    all.delete(options);
  }
}

/** The options of a watcher, with what reloads under way are to bring. */
export function comingSpec(watcher: Watcher): WatcherSpec {
  return [...(coming.get(watcher) ?? [])].reduce(withOptions, watcher.spec);
}

/** Everything that `options` lists, in alphabetical order; `blind` without the values of variables. */
export function listOptions(spec: WatcherSpec, blind = false): Record<string, unknown> {
  const all: Record<string, unknown> = {};
  for (const key of listed) all[key] = spec[key];
  all['env'] = maskedEnvironment(spec, blind);
  for (const [key, fallback] of Object.entries(borrowed)) {
    all[key] = Object.hasOwn(spec.options, key) ? borrowedValue(key, spec.options[key]) : fallback;
  }
  if (spec.stop_steps.length > 0) all['stop_steps'] = spec.stop_steps;
  for (const stream of streams) all[`${stream}_conf`] = streamOptions(spec, stream);
  for (const [key, value] of Object.entries(spec.options)) if (!hidden(key)) all[key] ??= value;
  return Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The kernel's options that Circus does not know; `options` does not list them. */
export function unlistedOptions(spec: WatcherSpec): Record<string, unknown> {
  return Object.fromEntries(unlisted.map((key) => [key, spec[key]]));
}

/** The settings of a stream without its class, as Circus lists them; null for a watcher that never had a section. */
function streamOptions({ options }: WatcherSpec, stream: string): Record<string, unknown> | null {
  if (!Object.hasOwn(options, '__name__') && options[stream] === undefined) return null;
  const whole = (options[stream] ?? {}) as Spec;
  const dotted = Object.entries(options).flatMap(([key, value]) =>
    key.startsWith(`${stream}.`) ? [[key.slice(stream.length + 1), value]] : [],
  );
  const { class: _, ...rest } = { ...whole, ...Object.fromEntries(dotted) } as Record<string, unknown>;
  return rest;
}

/** Keys whose change replaces processes: those of Circus, and ours that take new processes to come into effect. */
export const reloading = new Set([
  'working_dir',
  'uid',
  'gid',
  'shell',
  'env',
  'cmd',
  'args',
  'max_age',
  'max_age_variance',
  'die_with_daemon',
  'cgroup.active',
  'ipc',
  'alive.loop_lag',
]);

const ids = new Set(['uid', 'gid']);

/** Hooks one by one, `[callable, flag]` as it stands in a file: whatever way they came, the last one counts. */
export function singly([key, value]: readonly [string, unknown]): readonly (readonly [string, unknown])[] {
  if (key !== 'hooks' || !isObject(value)) return [[key, value]];
  const text = (hook: unknown) => (Array.isArray(hook) ? hook.join(', ') : hook);
  return Object.entries(value).map(([name, hook]) => [`hooks.${name}`, text(hook)]);
}

/** A spec with checked options put over it: the kernel's where it has them, plugins' where not. */
export function withOptions(spec: WatcherSpec, options: Spec): WatcherSpec {
  const own: Record<string, unknown> = {};
  const foreign: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(options).flatMap(singly)) {
    const isNumeric = typeof value === 'boolean' ? integers.has(key) || numbers.has(key) : ids.has(key) && isId(value);
    const plain = isNumeric ? Number(value) : value;
    if (Object.hasOwn(spec, key) && key !== 'options' && key !== 'name') own[key] = plain;
    else foreign[key] = plain;
  }
  // A client that changes one variable sends back the masks of the others.
  if (isObject(own['env'])) {
    const isMask = ([name, text]: readonly [string, unknown]) => text === mask && spec.secrets.includes(name);
    const kept = Object.entries(own['env']).map((entry) => (isMask(entry) ? [entry[0], spec.env?.[entry[0]]] : entry));
    own['env'] = Object.fromEntries(kept);
  }
  if ('stop_steps' in own) own['stop_steps'] = stopSteps(own['stop_steps']);
  if (typeof own['numprocesses'] === 'number') own['numprocesses'] = Math.max(0, own['numprocesses']);
  return { ...spec, ...own, options: Object.freeze({ ...spec.options, ...foreign }) };
}
