/** The hooks in use: asking and telling, the taps that were made, and changing plugins under a running daemon. */
import type { Clock } from './clock.js';
import { CircusError } from './errors.js';
import type { Refusal, Tap, TapOptions, Veto } from './guard.js';
import { catalogue, createHooks, type Answer, type Args, type HookName, type Hooks, type HookViews } from './hooks.js';
import type { Scope } from './scope.js';

interface Tapped {
  readonly hook: HookName;
  readonly options: TapOptions;
  readonly scope: Scope;
  readonly fn: Tap;
}

/** What the kernel gets for a question: a refusal in place of a tap's veto. */
export type Told<N extends HookName> =
  Exclude<Answer<N>, Veto | void> | (false extends Answer<N> ? Refusal : never) | undefined;

/** All hooks of one arbiter. tapable cannot untap: unloading a plugin puts a new generation in place of the old one. */
export class HookBoard {
  readonly #clock: Clock;
  #live: Hooks;
  #taps: Tapped[] = [];
  #held: { readonly until: Promise<void>; readonly notices: (() => void)[] } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#live = this.#generation();
  }

  /** True when some plugin taps this hook. */
  used(name: HookName): boolean {
    return this.#live[name].taps.length > 0;
  }

  /** Tells everybody, waits for nobody. While plugins change, notices are kept back until they have. */
  tell<N extends HookName>(name: N, ...args: Args<N>): void {
    if (this.#held) this.#held.notices.push(() => this.#live[name].call(...args));
    else this.#live[name].call(...args);
  }

  /** Passes a value through a synchronous hook that may change it. @throws ERR_HOOK_REFUSED */
  change<N extends 'startAfter' | 'watcherSpec' | 'hold' | 'removal' | 'descendants' | 'means' | 'reloadPlan'>(
    name: N,
    ...args: Args<N>
  ): Args<N>[0] {
    return this.used(name) ? this.#live[name].call(...args) : args[0];
  }

  /** Puts a question to the plugins; one that was open while plugins changed is put again. @throws ERR_HOOK_REFUSED */
  async ask<N extends HookName>(name: N, ...args: Args<N>): Promise<Told<N>> {
    for (;;) {
      const live = this.#live;
      const answer = live[name].taps.length > 0 ? await live[name].promise(...args) : undefined;
      if (live === this.#live) return answer as Told<N>;
    }
  }

  /** Puts a question whose refusal ends what is being done. @throws ERR_HOOK_REFUSED, the refusal as its cause */
  async require<N extends 'beforeStart' | 'afterStart' | 'beforeSpawn' | 'afterSpawn' | 'beforeStep'>(
    name: N,
    ...args: Args<N>
  ): Promise<void> {
    const refusal = await this.ask(name, ...args);
    if (refusal) throw new CircusError('ERR_HOOK_REFUSED', [name, `${refusal}`], { cause: refusal });
  }

  /** True while plugins change. */
  get changing(): boolean {
    return this.#held !== undefined;
  }

  /** Resolves at once, or when the plugins have stopped changing: spawns wait for it. */
  async steady(): Promise<void> {
    while (this.#held) await this.#held.until;
  }

  /** The hooks as the plugin that owns `scope` sees them. */
  view(scope: Scope): HookViews {
    const points = Object.keys(catalogue).map((hook) => {
      const tap = (given: string | (TapOptions & { before?: unknown }), fn: Tap) => {
        const { before, ...options } = typeof given === 'string' ? { name: given } : given;
        if (before !== undefined)
          throw new TypeError(`hook "${hook}": "before" puts a tap first when it names nobody; use "stage"`);
        if (!scope.active) throw new CircusError('ERR_SCOPE_CLOSED', [scope.owner]);
        if (typeof fn !== 'function') throw new TypeError(`hook "${hook}": a tap is a function`);
        this.#make({ hook: hook as HookName, options, scope, fn }, this.#taps);
      };
      return [hook, Object.freeze({ tap, tapPromise: tap })];
    });
    return Object.freeze(Object.fromEntries(points)) as HookViews;
  }

  /** Runs `action`, in which plugins may close or be applied; spawns and notices wait meanwhile, closed taps go. */
  async exchange<T>(action: () => Promise<T>): Promise<T> {
    // Not through `steady`: between its end and ours another change could have begun.
    while (this.#held) await this.#held.until;
    let release!: () => void;
    const notices: (() => void)[] = [];
    this.#held = { until: new Promise((resolve) => (release = resolve)), notices };
    try {
      return await action();
    } finally {
      const survivors = this.#taps.filter(({ scope }) => scope.active);
      this.#live = this.#generation();
      this.#taps = [];
      for (const tapped of survivors) this.#make(tapped, this.#taps);
      this.#held = undefined;
      release();
      for (const tell of notices) tell();
    }
  }

  #generation(): Hooks {
    return createHooks(this.#clock, (fault) => this.tell('fault', fault));
  }

  #make(tapped: Tapped, taps: Tapped[]): void {
    this.#live[tapped.hook].tap({ ...tapped.options, owner: tapped.scope }, tapped.fn);
    taps.push(tapped);
  }
}
