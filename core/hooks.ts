/**
 * The kernel's questions and notices: every hook with its kind, its arguments and what a fault answers.
 * This is the only file that knows tapable (docs/decisions/0001-tapable.md).
 */
import { AsyncSeriesBailHook, AsyncSeriesHook, AsyncSeriesWaterfallHook, SyncHook, SyncWaterfallHook } from 'tapable';
import type { Arbiter } from './arbiter.js';
import type { Clock } from './clock.js';
import { guard, isRecord, isText, isVeto } from './guard.js';
import type { Fault, GuardRow, Tap, TapOptions, Veto } from './guard.js';
import type { Operation } from './operation.js';
import type { Exit, Process } from './process.js';
import type { ReloadPlan, ReloadReport, ReloadStep } from './reload.js';
import type { Scope } from './scope.js';
import type { Socket } from './socket.js';
import type { ProcessSpec, WatcherSpec } from './spec.js';
import type { ProcessState, WatcherState } from './states.js';
import type { Means } from './tree.js';
import type { Watcher } from './watcher.js';

/** What to do about a process that ended: start another, give up, be content, or start another after so many ms. */
export type Verdict = 'respawn' | 'stop' | 'complete' | { readonly retryIn: number };

/** Who waits for whom: a watcher's name to the names of those that must be started before it. */
export type Edges = ReadonlyMap<string, readonly string[]>;
/** What is done along them; a stop goes backwards. */
export type Along = 'start' | 'stop' | 'reload';

/**
 * What a process is spawned for: its slot, and the spec, which in a reload is not yet the watcher's own. `preview` is
 * true when nothing is spawned, and somebody only wants to see what would be.
 */
export type Place = Pick<Process, 'wid'> & { readonly spec: WatcherSpec; readonly preview: boolean };

type Valid = GuardRow['valid'];

/** One row of the catalogue. */
interface Entry<Args extends unknown[], Answer> extends GuardRow {
  readonly kind: Kind;
  readonly args: string;
  /** Only for the type checker. */
  readonly types?: (...args: Args) => Answer;
}

type Policy = Partial<Pick<Entry<[], void>, 'onFault' | 'deadline'>>;
const patient: Policy = { deadline: Infinity };
const strict: Policy = { onFault: 'refuse' };
const grave: Policy = { ...strict, ...patient };

const kinds = {
  notice: SyncHook,
  change: SyncWaterfallHook,
  series: AsyncSeriesHook,
  bail: AsyncSeriesBailHook,
  asyncChange: AsyncSeriesWaterfallHook,
};
type Kind = keyof typeof kinds;

const row =
  (kind: Kind, valid: Valid) =>
  <A extends unknown[], R>(args: string, policy: Policy = {}): Entry<A, R> => ({
    kind,
    args,
    valid: (answer) => answer === undefined || valid(answer),
    onFault: 'ignore',
    deadline: 5000,
    ...policy,
  });

const isWords = (value: unknown) => Array.isArray(value) && value.every(isText);
const isWatcherSpec: Valid = (spec) =>
  isRecord(spec) &&
  typeof spec['name'] === 'string' &&
  typeof spec['cmd'] === 'string' &&
  Number.isInteger(spec['numprocesses']) &&
  isRecord(spec['options']);
const isFile: Valid = (file) =>
  ['inherit', 'null', 'pipe'].includes(file as string) ||
  (isRecord(file) &&
    (isText(file['input']) ||
      Number.isInteger(file['descriptor']) ||
      (isText(file['path']) && Number.isInteger(file['flags']))));
const isProcessSpec: Valid = (spec) =>
  isRecord(spec) &&
  [spec['command'], spec['executable'] ?? '', spec['cwd']].every(isText) &&
  isWords(spec['args']) &&
  Array.isArray(spec['chain']) &&
  spec['chain'].every(isWords) &&
  isRecord(spec['env']) &&
  Object.values(spec['env']).every(isText) &&
  isRecord(spec['files']) &&
  Object.values(spec['files']).every(isFile);
const isVerdict: Valid = (verdict) =>
  ['respawn', 'stop', 'complete'].includes(verdict as string) ||
  (isRecord(verdict) &&
    !isVeto(verdict) &&
    typeof verdict['retryIn'] === 'number' &&
    verdict['retryIn'] >= 0 &&
    verdict['retryIn'] < Infinity);
const isEdges: Valid = (edges) => edges instanceof Map && [...edges.values()].every(isWords);
const isPids: Valid = (pids) =>
  Array.isArray(pids) && pids.every((pid) => Number.isInteger(pid) && pid > 1 && pid !== process.pid);

const notice = row('notice', () => true);
const series = row('series', () => true);
const veto = row('bail', isVeto);
const spawning = row('asyncChange', isProcessSpec);
const family = row('change', isPids);
const isMeans: Valid = (means) =>
  isRecord(means) && isText(means['by']) && ['undefined', 'function'].includes(typeof means['kill']);
const reasons = row('change', isWords);
const isPlan: Valid = (plan) =>
  isRecord(plan) && [plan['first'], plan['batch']].every((size) => Number.isInteger(size) && Number(size) > 0);
const plans = row('change', isPlan);

/** Every hook: its kind and arguments, what a fault answers, how long it may take (docs/reference/hooks.md). */
export const catalogue = {
  start: series<[arbiter: Arbiter], void>('arbiter'),
  started: series<[arbiter: Arbiter], void>('arbiter'),
  stop: series<[arbiter: Arbiter], void>('arbiter'),
  stopped: series<[arbiter: Arbiter], void>('arbiter'),
  startAfter: row('change', isEdges)<[edges: Edges, arbiter: Arbiter, what: Along], Edges | void>('edges arbiter what'),
  watcherSpec: row('change', isWatcherSpec)<[spec: WatcherSpec], WatcherSpec | void>('spec', strict),
  watcherAdded: notice<[watcher: Watcher], void>('watcher'),
  watcherUpdated: notice<[watcher: Watcher, keys: readonly string[]], void>('watcher keys'),
  watcherRemoved: notice<[watcher: Watcher], void>('watcher'),
  watcherState: notice<[watcher: Watcher, before: WatcherState, after: WatcherState], void>('watcher before after'),
  processState: notice<[process: Process, before: ProcessState, after: ProcessState], void>('process before after'),
  operationChanged: notice<[operation: Operation], void>('operation'),
  removal: reasons<[reasons: readonly string[], watcher: Watcher], readonly string[] | void>('reasons watcher'),
  hold: reasons<[reasons: readonly string[], watcher: Watcher], readonly string[] | void>('reasons watcher'),
  beforeStart: veto<[watcher: Watcher, signal: AbortSignal], Veto | void>('watcher signal', grave),
  afterStart: veto<[watcher: Watcher, signal: AbortSignal], Veto | void>('watcher signal', grave),
  beforeStop: series<[watcher: Watcher, signal: AbortSignal], void>('watcher signal', patient),
  afterStop: series<[watcher: Watcher, signal: AbortSignal], void>('watcher signal'),
  beforeSpawn: veto<[watcher: Watcher, signal: AbortSignal], Veto | void>('watcher signal', strict),
  spawnSpec: spawning<[spec: ProcessSpec, watcher: Watcher, at: Place], ProcessSpec | void>('spec watcher at', strict),
  afterSpawn: veto<[process: Process, watcher: Watcher, signal: AbortSignal], Veto | void>(
    'process watcher signal',
    strict,
  ),
  spawned: notice<[process: Process, watcher: Watcher], void>('process watcher'),
  ready: row('bail', (answer) => answer === true || isVeto(answer))<
    [process: Process, watcher: Watcher, signal: AbortSignal],
    true | Veto | void
  >('process watcher signal', grave),
  output: notice<[chunk: Buffer, fd: number, process: Process], void>('chunk fd process'),
  beforeSignal: veto<[process: Process, signal: number], Veto | void>('process signal'),
  delivered: notice<[process: Process, signal: number, sent: boolean], void>('process signal sent'),
  signalled: notice<[process: Process, signal: number, pid: number], void>('process signal pid'),
  descendants: family<[pids: readonly number[], process: Process], readonly number[] | void>('pids process'),
  means: row('change', isMeans)<[means: Means, at: Pick<Process, 'watcher'>], Means | void>('means at'),
  reaped: notice<[exit: Exit, process: Process, watcher: Watcher], void>('exit process watcher'),
  respawn: row('bail', isVerdict)<[process: Process, exit: Exit, watcher: Watcher], Verdict | void>(
    'process exit watcher',
    { deadline: 1000 },
  ),
  retrying: notice<[watcher: Watcher, wid: number, delay: number, reason: string], void>('watcher wid delay reason'),
  reloadPlan: plans<[plan: ReloadPlan, spec: WatcherSpec, watcher: Watcher], ReloadPlan | void>('plan spec watcher'),
  beforeStep: veto<[step: ReloadStep, signal: AbortSignal], Veto | void>('step signal', grave),
  beforeReplaced: series<[process: Process, signal: AbortSignal], void>('process signal', patient),
  reloaded: notice<[watcher: Watcher, report: ReloadReport], void>('watcher report'),
  socketBound: notice<[socket: Socket], void>('socket'),
  socketClosed: notice<[socket: Socket], void>('socket'),
  fault: notice<[fault: Fault], void>('fault', { onFault: 'drop' }),
};

export type HookName = keyof typeof catalogue;
/** The arguments of a hook. */
export type Args<N extends HookName> = (typeof catalogue)[N] extends Entry<infer A, unknown> ? A : never;
/** What a tap of a hook may answer. */
export type Answer<N extends HookName> = (typeof catalogue)[N] extends Entry<infer _A, infer R> ? R : never;

/** One hook as a plugin sees it: it can be tapped, and not called. `stage` orders taps, lower first. */
export interface TapPoint<N extends HookName> {
  tap(options: string | TapOptions, fn: (...args: Args<N>) => Answer<N> | Promise<Answer<N>>): void;
  tapPromise(options: string | TapOptions, fn: (...args: Args<N>) => Promise<Answer<N>>): void;
}

/** All hooks as one plugin sees them. */
export type HookViews = { readonly [N in HookName]: TapPoint<N> };

/** A hook in its live form, which only the kernel holds. */
export interface Live {
  readonly taps: readonly unknown[];
  tap(options: TapOptions & { owner: Scope }, fn: Tap): void;
  call(...args: unknown[]): unknown;
  promise(...args: unknown[]): Promise<unknown>;
}

/** One generation of live hooks. */
export type Hooks = { readonly [N in HookName]: Live };

/** tapable's own generics can't be spelled over a table: this is the part of its hooks that is used here. */
interface Interceptable {
  intercept(interceptor: { register(tap: { type: string; fn: Tap; owner: Scope; deadline?: number }): unknown }): void;
}
type HookClass = new (args: string[], name: string) => Interceptable;

/** Makes a generation of hooks without taps; a fault of any tap that comes is given to `report`. */
export function createHooks(clock: Clock, report: (fault: Fault) => void): Hooks {
  const live = Object.entries(catalogue).map(([name, row]) => {
    const { kind, args } = row;
    const hook: Interceptable = new (kinds[kind] as unknown as HookClass)(args.split(' '), name);
    hook.intercept({
      register(tap) {
        const isAsync = kind !== 'notice' && kind !== 'change';
        const fn = guard(name, { ...row, deadline: tap.deadline ?? row.deadline }, tap, clock, report);
        return { ...tap, fn, type: isAsync ? 'promise' : 'sync' };
      },
    });
    return [name, hook];
  });
  return Object.fromEntries(live) as Hooks;
}
