/** What a watcher says about the health of its processes. */
import type { SocketSpec, WatcherSpec } from '#core';
import * as v from 'valibot';
import type { Flaw } from '../flaw.js';
import { mustBe } from '../must-be.js';
import { didYouMean } from '../nearest.js';
import { boolean } from '../schema.js';
import { flawsOf } from './flaws.js';
import { aliveSchema, notifySchema, readySchema } from './schema.js';

/** When a process counts as ready; times in ms. */
export interface ReadySettings extends Omit<v.InferOutput<typeof readySchema>, 'listen' | 'notify' | Adapted> {
  /** `unasked`: nothing is said about it, and it uses sockets. */
  readonly listen: boolean | 'unasked';
  readonly notify: boolean;
  readonly timeout: number;
  readonly interval: number;
  readonly probe_timeout: number;
  readonly settle: number;
}

/** Times whose defaults follow from those that are written: only what is written can be to blame. */
type Adapted = 'timeout' | 'interval' | 'probe_timeout' | 'settle';
const usual = { timeout: 60_000, interval: 1000, probe: 1000, settle: 1000, watch: 10_000 };

/** When a process counts as alive; times in ms. */
export interface AliveSettings extends Omit<v.InferOutput<typeof aliveSchema>, 'timeout' | 'interval'> {
  readonly interval: number;
  readonly timeout: number;
}

/** All that is said of a watcher. */
export interface Settings {
  readonly ready: ReadySettings;
  readonly alive: AliveSettings;
  /** Who may send notices: the process itself, or all of its tree. */
  readonly notify: 'main' | 'all' | undefined;
  /** It has Node's channel to its parent. */
  readonly ipc: boolean;
}

type Options = WatcherSpec['options'];

/** True for a watcher whose processes inherit sockets. */
const usesSockets = ({ use_sockets, sockets, stdin_socket }: WatcherSpec): boolean =>
  use_sockets || sockets.length > 0 || stdin_socket !== null;

/** The keys `GROUP.*` by a schema of objects; what is wrong is added to `flaws`, and left out. */
function readGroup<S extends v.GenericSchema & { readonly entries: object }>(
  group: string,
  schema: S,
  options: Options,
  flaws: Flaw[],
): v.InferOutput<S> {
  const start = `${group}.`;
  const known = Object.keys(schema.entries);
  const own = Object.entries(options).filter(([key, value]) => key.startsWith(start) && value != null);
  const given: Record<string, unknown> = {};
  for (const [key, value] of own) {
    const name = key.slice(start.length);
    const flaw = known.includes(name)
      ? v.safeParse(schema, { [name]: value }).issues?.map(({ message }) => `has a wrong value: ${message}`)[0]
      : `is no condition and no setting${didYouMean(
          key,
          known.map((one) => start + one),
        )}`;
    if (flaw === undefined) given[name] = value;
    else flaws.push({ key, message: flaw });
  }
  return v.parse(schema, given);
}

function readyTimes(ready: v.InferOutput<typeof readySchema>): Pick<ReadySettings, Adapted> {
  const { delay = 0, initial_delay, success_threshold } = ready;
  const wished = ready.interval ?? Math.max(usual.interval, ready.probe_timeout ?? 0);
  const least = Math.max(delay, initial_delay + success_threshold * wished, ready.settle ?? 0);
  const timeout = ready.timeout ?? least + usual.timeout;
  const interval = ready.interval ?? Math.min(wished, timeout);
  const probe_timeout = ready.probe_timeout ?? Math.min(usual.probe, interval);
  return { timeout, interval, probe_timeout, settle: ready.settle ?? Math.min(usual.settle, timeout / 2) };
}

function aliveTimes({ interval, timeout }: v.InferOutput<typeof aliveSchema>) {
  const every = interval ?? Math.max(usual.watch, timeout ?? 0);
  return { interval: every, timeout: timeout ?? Math.min(usual.probe, every) };
}

/** Reads what a watcher says; `sockets` are those of the daemon. What has a flaw is left out. */
export function readSettings(
  spec: WatcherSpec,
  sockets: readonly SocketSpec[] = [],
): { readonly settings: Settings; readonly flaws: readonly Flaw[] } {
  const { options } = spec;
  const flaws: Flaw[] = [];
  const ready = readGroup('ready', readySchema, options, flaws);
  const alive = readGroup('alive', aliveSchema, options, flaws);
  const access = v.safeParse(notifySchema, options['notify'] ?? false);
  if (!access.success) flaws.push({ key: 'notify', message: 'must be main, all or 0' });
  const said = access.success ? access.output : undefined;
  const channel = v.safeParse(boolean(), options['ipc'] ?? false);
  if (!channel.success) flaws.push({ key: 'ipc', message: mustBe('true or false', options['ipc']).message });

  const { http, tcp, exec, log, fd, ipc, delay } = ready;
  const awaitsNotice = ready.notify ?? said !== undefined;
  const asked = [http, tcp, exec, log, fd, delay].some((one) => one !== undefined) || ipc || awaitsNotice;
  const isSilent = Object.keys(options).every((key) => !key.startsWith('ready.')) && spec.ready_after === null;
  const byDefault = !asked && usesSockets(spec) && spec.ready_after === null && (isSilent ? 'unasked' : true);
  const settings: Settings = {
    ready: { ...ready, ...readyTimes(ready), listen: ready.listen ?? byDefault, notify: awaitsNotice },
    alive: { ...alive, ...aliveTimes(alive) },
    notify: said ?? (awaitsNotice || alive.notify !== undefined ? 'main' : undefined),
    ipc: ready.ipc || (channel.success && channel.output),
  };
  // A value that is wrong by itself says nothing about the others.
  const more = flaws.length > 0 ? [] : flawsOf(spec, settings, sockets);
  return { settings, flaws: [...flaws, ...more] };
}
