/** An arbiter with the plugin and a clock that stands still, and real children. */
import { Arbiter, Host, watcherSpec, type LoadFailure, type Log, type Watcher, type WatcherSpec } from '#core';
import flapping from '#plugins/flapping/index.js';
import { FakeClock } from '../../support/clock.js';
import { eventually } from '../../support/eventually.js';
import { assertNothingLeft, watchLeftovers } from '../../support/leftovers.js';

export class World {
  readonly clock = new FakeClock();
  readonly arbiter = new Arbiter({ clock: this.clock });
  /** What the plugin wrote. */
  readonly lines: string[] = [];
  readonly host = new Host(this.arbiter, () => this.#log);
  readonly #log: Log;

  constructor() {
    const write = (line: string) => void this.lines.push(line);
    this.#log = { debug: write, info: write, warn: write, error: write };
  }

  load(options: Readonly<Record<string, unknown>> = {}, restored?: unknown): Promise<readonly LoadFailure[]> {
    return this.host.load([{ plugin: flapping, options }], { flapping: restored });
  }

  /** Adds a watcher of a program that ends at once, and starts it. */
  async up(given: Partial<WatcherSpec> = {}): Promise<Watcher> {
    const watcher = this.arbiter.add(watcherSpec({ name: 'crash', cmd: 'false', copy_env: true, ...given }));
    void watcher.start();
    await eventually(() => watcher.state !== 'stopped');
    return watcher;
  }

  /** Resolves when the plugin has written so many lines, and what it said has been done. */
  async told(count: number): Promise<void> {
    await this.until(() => this.lines.length >= count);
    await this.clock.advance(0);
  }

  /** Resolves when this is so; time does not go on meanwhile. */
  async until(condition: () => unknown): Promise<void> {
    await eventually(async () => {
      await this.clock.advance(0);
      return Boolean(await condition());
    });
  }

  /** How long the slots of a watcher still have to pause, in ms. */
  pauses({ keeper }: Watcher): readonly number[] {
    return keeper.slots.retries.map(({ at }) => at - this.clock.now());
  }

  async close(): Promise<void> {
    const stopped = this.arbiter.stop();
    let over = false;
    void stopped.then(() => (over = true));
    await eventually(async () => {
      await this.clock.advance(100);
      return over;
    });
    await this.host.close();
    this.arbiter.close();
  }
}

/** To be called in a `describe`: a world for each of its tests. */
export function worldPerTest(): () => World {
  let world: World;
  beforeEach('make a world', () => {
    watchLeftovers();
    world = new World();
  });
  afterEach('close the world', async () => {
    await world.close();
    await assertNothingLeft();
  });
  return () => world;
}
