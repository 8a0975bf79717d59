/** An arbiter with the plugin and a clock that stands still, and real children. */
import {
  Arbiter,
  Host,
  Scope,
  watcherSpec,
  type HookViews,
  type Operation,
  type Watcher,
  type WatcherSpec,
} from '#core';
import maxAge from '#plugins/max-age/index.js';
import { FakeClock } from '../../support/clock.js';
import { eventually } from '../../support/eventually.js';
import { assertNothingLeft, watchLeftovers } from '../../support/leftovers.js';

export class World {
  readonly clock = new FakeClock();
  readonly arbiter = new Arbiter({ clock: this.clock });
  /** What the plugin wrote. */
  readonly lines: string[] = [];
  readonly host = new Host(this.arbiter, () => {
    const write = (line: string) => void this.lines.push(line);
    return { debug: write, info: write, warn: write, error: write };
  });
  readonly #scope = new Scope('test');

  /** The hooks as another plugin sees them. */
  get hooks(): HookViews {
    return this.arbiter.hooks.view(this.#scope);
  }

  async load(): Promise<void> {
    const [failure] = await this.host.load([{ plugin: maxAge, options: {} }]);
    if (failure) throw failure.error;
  }

  /** Adds a watcher of `sleep` whose processes live for 100 s, and starts it. */
  async up(options: Readonly<Record<string, unknown>> = {}, given: Partial<WatcherSpec> = {}): Promise<Watcher> {
    const all = { max_age: 100, max_age_variance: 0, ...options };
    const watcher = this.arbiter.add(
      watcherSpec({ name: 'web', cmd: 'sleep 600', copy_env: true, ready_after: 0, ...given, options: all }),
    );
    await watcher.start().result;
    return watcher;
  }

  /** Changes options of a watcher at run time. */
  set(watcher: Watcher, options: Readonly<Record<string, unknown>>): void {
    watcher.update({ ...watcher.spec, options: { ...watcher.spec.options, ...options } });
  }

  /** Resolves when an operation has settled. */
  async done(operation: Operation): Promise<void> {
    await this.until(() => operation.settled);
  }

  /** Resolves when this is so; time does not go on meanwhile. */
  async until(condition: () => unknown): Promise<void> {
    await eventually(async () => {
      await this.clock.advance(0);
      return Boolean(condition());
    });
  }

  async close(): Promise<void> {
    let over = false;
    void this.arbiter.stop().then(() => (over = true));
    await eventually(async () => {
      await this.clock.advance(100);
      return over;
    });
    await this.#scope.close();
    await this.host.close();
    this.arbiter.close();
  }
}

/** To be called in a `describe`: a world with the plugin for each of its tests. */
export function worldPerTest(): () => World {
  let world: World;
  beforeEach('make a world', async () => {
    watchLeftovers();
    world = new World();
    await world.load();
  });
  afterEach('close the world', async () => {
    await world.close();
    await assertNothingLeft();
  });
  return () => world;
}
