/** An arbiter with the plugin, a socket and real children. */
import { Arbiter, Host, Scope, socketSpec, watcherSpec, type Fault, type HookViews, type Watcher } from '#core';
import { Controller, type ControllerService } from '#plugins/controller/service.js';
import health from '#plugins/health/index.js';
import { freePort } from '../../support/ports.js';
import { inRoot } from '../../support/paths.js';
import { assertNothingLeft, watchLeftovers } from '../../support/leftovers.js';

export const program = (name: string) => inRoot('test', 'fixtures', 'programs', name);

type Notes = Parameters<ControllerService['addNotes']>[0];

export class World {
  readonly arbiter = new Arbiter({});
  readonly lines: string[] = [];
  readonly published: (readonly [string, string, object])[] = [];
  readonly faults: Fault[] = [];
  readonly host = new Host(this.arbiter, () => this.#log);
  port = 0;
  #explain: Notes = () => [];
  readonly #scope = new Scope('test');
  readonly #log = Object.fromEntries(
    ['debug', 'info', 'warn', 'error'].map((level) => [level, (line: string) => void this.lines.push(line)]),
  ) as unknown as Record<'debug' | 'info' | 'warn' | 'error', () => void>;

  /** The hooks as another plugin sees them. */
  get hooks(): HookViews {
    return this.arbiter.hooks.view(this.#scope);
  }

  /** Binds the socket `web`, and loads the plugin beside something that stands for the controller. */
  async open(): Promise<void> {
    this.hooks.fault.tap('test', (fault) => void this.faults.push(fault));
    this.port = await freePort();
    await this.arbiter.addSocket(socketSpec({ name: 'web', host: '127.0.0.1', port: this.port }));
    const controller = {
      publish: (...told: readonly [string, string, object]) => void this.published.push(told),
      addNotes: (explainer: Notes) => {
        this.#explain = explainer;
        return () => undefined;
      },
    };
    const stand = { name: 'stand', provides: { controller: Controller }, apply: () => ({ controller }) as never };
    const failures = await this.host.load([
      { plugin: stand, options: {} },
      { plugin: health, options: {} },
    ]);
    if (failures[0]) throw failures[0].error;
  }

  /** Adds a watcher with these options. */
  add(cmd: string, options: Readonly<Record<string, unknown>> = {}, given: Partial<Watcher['spec']> = {}): Watcher {
    const name = given.name ?? 'web';
    return this.arbiter.add(watcherSpec({ name, cmd, copy_env: true, graceful_timeout: 2, options, ...given }));
  }

  /** Adds a watcher that serves the socket in this way. */
  serving(way: string, options = {}, given: Partial<Watcher['spec']> = {}, gate = ''): Watcher {
    const cmd = `/usr/bin/python3 ${program('serve-by.py')} ${way} $(circus.sockets.web) ${gate}`;
    return this.add(cmd, options, { use_sockets: true, ...given });
  }

  /** What is known of the first process of a watcher, as text. */
  explained(watcher: Watcher): string {
    return (this.#explain(watcher.processes[0]!) ?? []).join(' ');
  }

  async close(): Promise<void> {
    await this.arbiter.stop();
    await this.#scope.close();
    await this.host.close();
    this.arbiter.close();
  }
}

/** To be called in a `describe`: a world for each of its tests. */
export function worldPerTest(): () => World {
  let world: World;
  beforeEach('make a world', async () => {
    watchLeftovers();
    world = new World();
    await world.open();
  });
  afterEach('end the world', async () => {
    await world.close();
    await assertNothingLeft();
  });
  return () => world;
}
