/** What a reload does between its batches: it pauses, or waits for a word of the operator. */
import {
  sleep,
  type Arbiter,
  type Operation,
  type ReloadPlan,
  type ReloadStep,
  type Watcher,
  type WatcherSpec,
} from '#core';
import { inWords } from '../controller/service.js';
import { settingsOf, type Settings } from './settings.js';

/** By whom the kernel has processes go back to the old spec. */
const kernel = 'kernel';
/** By whom reloads are that nobody looks at; they wait for a word only where they bring something new. */
const unasked = /^(?:plugin |SIGHUP$)/;
const copies = (count: number) => (count === 1 ? '1 new copy serves' : `${count} new copies serve`);

/** The reloads under way. */
export class Steps {
  readonly #arbiter: Arbiter;
  /** Tells that a canary waits, with the pids of its copies. */
  readonly #publish: (watcher: string, pids: readonly number[]) => void;
  /** The settings of the spec that a reload brings, and whether that is another one. */
  readonly #plans = new WeakMap<Operation, { readonly settings: Settings; readonly changes: boolean }>();
  /** Reloads that have begun with their first batch, and that have passed their canary. */
  readonly #begun = new WeakSet<Operation>();
  readonly #promoted = new WeakSet<Operation>();
  /** Ends the waits for a word, by watcher. */
  readonly #waiting = new Map<string, () => void>();

  constructor(arbiter: Arbiter, publish: (watcher: string, pids: readonly number[]) => void) {
    this.#arbiter = arbiter;
    this.#publish = publish;
  }

  /** The portions of a reload that brings this spec. */
  plan(spec: WatcherSpec, watcher: Watcher): ReloadPlan {
    const settings = settingsOf(spec);
    const [operation] = watcher.queue.operations;
    if (operation) this.#plans.set(operation, { settings, changes: spec !== watcher.spec });
    const { batch, stopFirst, canary = batch } = settings;
    return { first: canary, batch, stopFirst };
  }

  /** Resolves when the next step may be made; the signal ends it. */
  async before({ watcher, kind, operation, ready }: ReloadStep, signal: AbortSignal): Promise<void> {
    const spec = this.#arbiter.find(watcher)?.spec;
    const { settings = spec && settingsOf(spec), changes = false } = this.#plans.get(operation) ?? {};
    if (!settings) return;
    const say = (step?: string) => operation.advance(operation.progress.done, operation.progress.total, step);
    if (operation.by === kernel) return say('going back to the old spec');
    if (kind === 'start') {
      const isFirst = !this.#begun.has(operation);
      this.#begun.add(operation);
      if (isFirst || settings.pause === 0) return;
      say(`a pause of ${inWords(settings.pause / 1000)} before the next`);
      await sleep(this.#arbiter.clock, settings.pause, signal);
      return say();
    }
    if (!changes && unasked.test(operation.by)) return;
    if (settings.canary === undefined || operation.progress.done > 0 || this.#promoted.has(operation)) return;
    this.#promoted.add(operation);
    const { canaryTime = Infinity } = settings;
    const alone = canaryTime < Infinity ? `, or wait for ${inWords(canaryTime / 1000)}` : '';
    const words = `continue with "circusctl reload ${watcher} --continue"${alone}, go back with --abort`;
    say(`canary: ${copies(ready.length)}; ${words}`);
    this.#publish(
      watcher,
      ready.map(({ pid }) => pid),
    );
    await this.#word(watcher, canaryTime, signal);
    say();
  }

  /** Has the reload of a watcher go on that waits for that; true: it does. */
  readonly proceed = ({ name }: Watcher): true | undefined => {
    const go = this.#waiting.get(name);
    go?.();
    return go && true;
  };

  /** Waits for the operator's word, so many ms. */
  async #word(watcher: string, longest: number, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const go = () => over.abort();
    this.#waiting.set(watcher, go);
    const cancel = longest < Infinity ? this.#arbiter.clock.after(longest, go) : undefined;
    signal.addEventListener('abort', go);
    await new Promise<void>((resolve) => over.signal.addEventListener('abort', () => resolve()));
    cancel?.();
    signal.removeEventListener('abort', go);
    if (this.#waiting.get(watcher) === go) this.#waiting.delete(watcher);
  }
}
