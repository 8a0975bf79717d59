/** What is known of each place of the watchers, and what follows when a process of it ends. */
import type { Arbiter, Exit, Log, Process, Verdict, Watcher } from '#core';
import { endedWell, isAmong, readEndings } from '../exit-codes.js';
import { inWords } from '../controller/service.js';
import {
  isSpent,
  judge,
  judgeGrowing,
  noEnds,
  waitForTurn,
  type Ends,
  type GrowingLimits,
  type Limits,
} from './intensity.js';
import type { Settings } from './settings.js';

/** What it needs of its surroundings. */
export interface RestartsContext {
  readonly arbiter: Arbiter;
  readonly log: Log;
  readonly settingsOf: (watcher: Watcher) => Settings;
  readonly publish: (watcher: string, event: string, facts: Readonly<Record<string, unknown>>) => void;
  readonly guard: (action: () => unknown) => () => void;
}

/** Signals after which a process is expected to end. */
const ending = new Set([2, 3, 9, 15]);

/** How long the kernel takes at most to make a verdict a pause that it tells of, in ms: several may end at once. */
const settling = 1000;

/** How many tries are left, as the beginning of a sentence. */
function tryWords(ends: Ends, { max_retry }: Pick<Limits, 'max_retry'>): string {
  if (max_retry < 0) return '';
  return isSpent(ends, { max_retry }) ? 'half-open, ' : `${max_retry - ends.tries} of ${max_retry} left, `;
}

/** The places of all watchers, by name and number. */
export class Restarts {
  readonly #context: RestartsContext;
  readonly #places: Map<string, Readonly<Record<number, Ends>>>;
  /** Whoever was sent a signal to end did not fail. */
  readonly #asked = new WeakMap<Process, Set<number>>();
  readonly #judged = new WeakMap<Process, { readonly verdict: Verdict | undefined }>();
  /** The last turn that was given to a place of each watcher, on the clock that never jumps. */
  readonly #turns = new Map<string, { readonly given: number; readonly at: number }>();
  readonly #timers = new Map<Process, () => void>();
  /** The timers of half-open places that are to be tried before their turn, by watcher. */
  readonly #released = new Map<string, readonly (() => void)[]>();

  constructor(context: RestartsContext, restored: unknown) {
    this.#context = context;
    this.#places = new Map(Object.entries((restored ?? {}) as Record<string, Record<number, Ends>>));
  }

  /** What is to be kept, as JSON. */
  get state(): Readonly<Record<string, Readonly<Record<number, Ends>>>> {
    return Object.fromEntries(this.#places);
  }

  /** The places of a watcher of which something is known, by number. */
  of({ name }: Watcher): ReadonlyMap<number, Ends> {
    const all = Object.entries(this.#places.get(name) ?? {});
    return new Map(all.map(([wid, ends]) => [Number(wid), ends]));
  }

  /** What is to follow a process that ended by itself; the same again when it is asked again. */
  judge(process: Process, exit: Exit, watcher: Watcher): Verdict | undefined {
    const before = this.#judged.get(process);
    const judged = before ?? { verdict: this.#judge(process, exit, watcher) };
    this.#judged.set(process, judged);
    return judged.verdict;
  }

  /** Notes that a process was sent a signal through the daemon. */
  signalled(process: Process, signal: number): void {
    this.#asked.set(process, (this.#asked.get(process) ?? new Set()).add(signal));
  }

  /** Waits for a process to recover, where its place had failures; to be called again when its options have changed. */
  watch(process: Process, watcher: Watcher): void {
    this.#unwatch(process);
    const settings = this.#context.settingsOf(watcher);
    const ends = this.of(watcher).get(process.wid);
    if (settings.policy !== 'backoff' || !ends || !process.alive || process.stopping) return;
    const recovered = this.#context.guard(() => this.#recovered(process, watcher));
    const { clock } = this.#context.arbiter;
    this.#timers.set(process, clock.after(Math.max(0, settings.stable - process.age), recovered));
  }

  /** A process has ended; its place is another's when it was replaced. */
  ended(process: Process, { reason }: Exit): void {
    this.#unwatch(process);
    if (reason === 'replaced' || reason === 'resized') this.#set(process.watcher, process.wid, undefined);
  }

  /** Forgets a watcher: it is taken out, or begins anew. */
  forget(watcher: string): void {
    this.#places.delete(watcher);
    this.#turns.delete(watcher);
    this.#hold(watcher);
  }

  /** Ends all timers. */
  close(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    for (const watcher of this.#released.keys()) this.#hold(watcher);
  }

  #judge(process: Process, exit: Exit, watcher: Watcher): Verdict | undefined {
    const { spec } = watcher;
    // Nobody asks for another process where none is to follow.
    if (!spec.respawn) return undefined;
    if (isAmong(readEndings(spec.options['no_restart_exit_codes']), exit)) return 'complete';
    const settings = this.#context.settingsOf(watcher);
    if (!settings.active || this.#wasAsked(process, exit)) return undefined;
    if (spec.options['success_exit_codes'] !== undefined && endedWell(spec.options, exit)) return undefined;
    const ends = this.of(watcher).get(process.wid) ?? noEnds;
    return settings.policy === 'circus'
      ? this.#pause(process, exit, ends, settings)
      : this.#growingPause(process, exit, ends, settings, watcher);
  }

  #pause({ wid, watcher: name }: Process, { lived }: Exit, before: Ends, limits: Limits): Verdict | undefined {
    const { ends, verdict } = judge(before, lived, limits);
    this.#set(name, wid, ends);
    if (verdict === undefined) return undefined;
    const next =
      verdict === 'stop'
        ? 'reached max retry limit'
        : `retry in ${limits.retry_in / 1000}s (attempt number ${ends.tries})`;
    this.#context.log.warn(`${name}: flapping detected: ${next}`);
    return verdict;
  }

  #growingPause(
    { wid, watcher: name }: Process,
    { lived }: Exit,
    before: Ends,
    limits: GrowingLimits,
    watcher: Watcher,
  ): Verdict | undefined {
    const { ends, verdict } = judgeGrowing(before, lived, limits, Math.random());
    this.#set(name, wid, ends);
    if (verdict === undefined) return undefined;
    const tell = (next: string) => this.#context.log.warn(`${name}: place ${wid} has failed again: ${next}`);
    if (verdict === 'stop') {
      tell('no tries are left, it gives up');
      return verdict;
    }
    const retryIn = verdict === 'in turn' ? this.#untilTurn(watcher, limits) : verdict.retryIn;
    const left = tryWords(ends, limits);
    tell(`${left}next try in ${inWords(retryIn / 1000)}`);
    if (verdict === 'in turn' && !isSpent(before, limits))
      this.#context.publish(name, 'half_open', { wid, in: retryIn / 1000 });
    return { retryIn };
  }

  /** The time, in ms, until a half-open place may try: one of the watcher does so at a time. */
  #untilTurn(watcher: Watcher, limits: GrowingLimits): number {
    const { clock } = this.#context.arbiter;
    const now = clock.monotonic();
    const waits = this.#halfOpen(watcher, limits).map(({ at }) => at - clock.now());
    const last = this.#turns.get(watcher.name);
    if (last && now - last.given < settling) waits.push(last.at - now);
    const wait = waitForTurn(waits, Math.max(limits.retry_later, limits.stable));
    this.#turns.set(watcher.name, { given: now, at: now + wait });
    return wait;
  }

  /** The attempts of half-open places that are still to come. */
  #halfOpen(watcher: Watcher, limits: Pick<Limits, 'max_retry'>) {
    const places = this.of(watcher);
    return watcher.keeper.slots.retries.filter(({ wid }) => isSpent(places.get(wid) ?? noEnds, limits));
  }

  #recovered({ pid, wid }: Process, watcher: Watcher): void {
    const settings = this.#context.settingsOf(watcher);
    const ends = this.of(watcher).get(wid) ?? noEnds;
    this.#set(watcher.name, wid, undefined);
    if (ends.tries === 0) return;
    this.#context.log.info(`${watcher.name}: place ${wid} has recovered`);
    this.#context.publish(watcher.name, 'recovered', { wid, process_pid: pid });
    if (isSpent(ends, settings)) this.#release(watcher, settings);
  }

  /**
   * Where one can work again, so can the others. They are tried one by one within the time of a first pause: all at
   * once, they might bring down what they had waited for.
   */
  #release(watcher: Watcher, settings: Settings): void {
    const { arbiter, guard } = this.#context;
    this.#hold(watcher.name);
    const waiting = this.#halfOpen(watcher, settings);
    const timers = waiting.map(({ wid }, at) => {
      const hurry = guard(() =>
        this.#halfOpen(watcher, settings)
          .find((retry) => retry.wid === wid)
          ?.hurry(),
      );
      return arbiter.clock.after((settings.retry_in * at) / waiting.length, hurry);
    });
    this.#released.set(watcher.name, timers);
  }

  #hold(watcher: string): void {
    for (const cancel of this.#released.get(watcher) ?? []) cancel();
    this.#released.delete(watcher);
  }

  /** True for a process that was told to end, by a signal that came through the daemon. */
  #wasAsked(process: Process, { signal }: Exit): boolean {
    const signals = [...(this.#asked.get(process) ?? [])];
    return signals.some((sent) => sent === signal || ending.has(sent));
  }

  #set(watcher: string, wid: number, ends: Ends | undefined): void {
    const { [wid]: _, ...others } = this.#places.get(watcher) ?? {};
    const places = ends ? { ...others, [wid]: ends } : others;
    if (Object.keys(places).length === 0) this.#places.delete(watcher);
    else this.#places.set(watcher, places);
  }

  #unwatch(process: Process): void {
    this.#timers.get(process)?.();
    this.#timers.delete(process);
  }
}
