/** Going back to a spec that was good: which one, what that changes, and doing it. */
import type { Arbiter, Operation, Watcher, WatcherSpec } from '#core';
import { RequestError, type ConfigurationService, type Fields, type KeyChange } from '../controller/service.js';
import type { Decisions } from './decisions.js';
import type { GoodSpec, GoodSpecs } from './good-specs.js';
import { hashOf, restored } from './kept-spec.js';
import type { Stability } from './stability.js';

/** What a rollback works with. */
export interface RollbackContext {
  readonly configuration: ConfigurationService;
  readonly decisions: Decisions;
  readonly specs: GoodSpecs;
  readonly stability: Stability;
}

/** Who asks for a rollback: the name by which operations know him, and the one that people do. */
export interface By {
  readonly job: string;
  readonly name: string;
}

/** What a rollback of one watcher does, or has done. */
export interface Step {
  readonly watcher: Watcher;
  readonly to: GoodSpec;
  readonly keys: readonly KeyChange[];
}

const seconds = (ms: number) => ms / 1000;

/** Rollbacks of the watchers of a daemon. */
export class Rollback {
  readonly #context: RollbackContext;

  constructor(context: RollbackContext) {
    this.#context = context;
  }

  /** What it would do to a watcher; `number` is one of `list`. @throws RequestError when there is nothing to go back to */
  step(watcher: Watcher, number?: number): Step {
    refuseWhileReloading(watcher);
    return this.#stepTo(watcher, this.#choose(watcher, number));
  }

  /** What it would do to all whose spec is not known to be good. */
  stepsOfAll(watchers: readonly Watcher[]): readonly Step[] {
    return watchers.flatMap((watcher) => {
      const specs = this.#context.specs.of(watcher.name);
      const hash = hashOf(watcher.spec);
      const [newest] = specs;
      if (!newest || specs.some((one) => one.hash === hash)) return [];
      refuseWhileReloading(watcher);
      return this.#stepTo(watcher, newest);
    });
  }

  /** Takes one, by a gated reload where the watcher is up. @throws when that fails: then nothing has changed */
  async take(arbiter: Arbiter, { watcher, to }: Step, { job, name: by }: By): Promise<void> {
    const { configuration, decisions, specs, stability } = this.#context;
    const { name } = watcher;
    await this.#prepare(this.#after(watcher, to));
    refuseWhileReloading(watcher);
    // What is replaced in the end: others may change it until the turn of this comes.
    let { spec } = watcher;
    const back = (present: WatcherSpec) => restored(to.spec, (spec = present));
    const failed = stability.failed(watcher);
    try {
      await change(arbiter, watcher, back, job);
    } catch (error) {
      // That is no change which came to nothing: it can be tried again.
      stability.fail(watcher, failed);
      throw error;
    }
    const names = configuration.differences(spec, this.#after(watcher, to)).map(({ key }) => key);
    const hash = hashOf(spec);
    specs.drop(name, hash);
    stability.restored(watcher);
    const at = arbiter.clock.now();
    const what = `what was rolled back by ${by} at ${new Date(at).toISOString()}`;
    configuration.putAside(name, names, what, (one) => hashOf(one) === hash);
    await decisions.note('rolled_back', { name, by, at, keys: names, hash });
  }

  /** The specs that there are to go back to, from the newest on; times in seconds since the epoch. */
  list(watcher: Watcher): Fields {
    const verdict = this.#context.stability.verdict(watcher);
    const specs = this.#others(watcher).map((to, at) => ({
      number: at + 1,
      good: seconds(to.good),
      replaced: to.replaced ? { at: seconds(to.replaced.at), by: to.replaced.by } : null,
      keys: this.#stepTo(watcher, to).keys,
    }));
    return { watcher: watcher.name, present: verdict, specs };
  }

  #others(watcher: Watcher): readonly GoodSpec[] {
    const present = hashOf(watcher.spec);
    return this.#context.specs.of(watcher.name).filter(({ hash }) => hash !== present);
  }

  #choose(watcher: Watcher, number: number | undefined): GoodSpec {
    const { specs, stability } = this.#context;
    const all = specs.of(watcher.name);
    const refuse = (reason: string): never => {
      throw new RequestError(5, `nothing to roll back: ${reason}`);
    };
    if (number !== undefined) {
      const others = this.#others(watcher);
      return others[number - 1] ?? refuse(`"${watcher.name}" has ${others.length} other good specs, and no ${number}`);
    }
    const hash = hashOf(watcher.spec);
    const at = all.findIndex((one) => one.hash === hash);
    const failed = stability.failed(watcher);
    if (at >= 0 && failed !== undefined)
      refuse(`the last change of "${watcher.name}" came to nothing, and its good spec is in place: ${failed}`);
    if (all.length === 0) refuse(`no spec of "${watcher.name}" has been good yet`);
    return all[at + 1] ?? refuse(`"${watcher.name}" has its last good spec`);
  }

  #stepTo(watcher: Watcher, to: GoodSpec): Step {
    return { watcher, to, keys: this.#context.configuration.differences(watcher.spec, this.#after(watcher, to)) };
  }

  #after(watcher: Watcher, to: GoodSpec): WatcherSpec {
    try {
      return restored(to.spec, watcher.spec);
    } catch (error) {
      throw new RequestError(5, (error as Error).message, { cause: error });
    }
  }

  /** Has the plugins loaded that carry out its options, which may have gone with the last change. @throws RequestError */
  async #prepare(spec: WatcherSpec): Promise<void> {
    const { configuration } = this.#context;
    const plugins = new Set(Object.keys(spec.options).flatMap((key) => configuration.carrier(key)?.plugin ?? []));
    await Promise.all([...plugins].map((plugin) => configuration.need(plugin)));
    const [flaw] = await configuration.judge(spec);
    if (flaw !== undefined) throw new RequestError(5, flaw);
  }
}

/** It would wait for the reload, and then go back from what that brought. @throws RequestError while there is one */
function refuseWhileReloading({ name, queue }: Watcher): void {
  if (queue.operations.some(({ kind, settled }) => kind === 'reload' && !settled))
    throw new RequestError(
      5,
      `"${name}" is being reloaded: "circusctl reload ${name} --abort" goes back to what it had`,
    );
}

/** Changes the spec of a watcher: by replacing what serves; what is down stays down. */
async function change(
  arbiter: Arbiter,
  watcher: Watcher,
  change: (spec: WatcherSpec) => WatcherSpec,
  by: string,
): Promise<void> {
  if (watcher.wanted === 'down') return watcher.update(change(watcher.spec));
  const { slots } = watcher.keeper;
  // Where nothing serves, there is nothing to be careful about.
  const graceful = slots.serving.length > 0;
  const done: Operation = arbiter.reload(watcher, { change, graceful, by });
  await done.result;
  // Places that wait for their next attempt would do so with what was wrong.
  if (slots.retries.length > 0) await watcher.start(by).result;
}
