/** An arbiter with the plugin and real children, for tests that run as root: only root may change users. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Arbiter, Host, Scope, watcherSpec, type HookViews, type Process, type Watcher } from '#core';
import limits from '#plugins/limits/index.js';
import { assertNothingLeft, watchLeftovers } from '../../support/leftovers.js';
import { eventually } from '../../support/eventually.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

export class World {
  readonly arbiter = new Arbiter({});
  readonly host = new Host(this.arbiter, () => silent);
  readonly #scope = new Scope('test');

  /** The hooks as another plugin sees them. */
  get hooks(): HookViews {
    return this.arbiter.hooks.view(this.#scope);
  }

  /** Adds a watcher of `sleep` with these options, and starts it. */
  async start(options: Readonly<Record<string, unknown>>, given: Partial<Watcher['spec']> = {}): Promise<Watcher> {
    const spec = watcherSpec({ name: 'web', cmd: 'sleep 600', copy_env: true, max_retry: 1, options, ...given });
    const watcher = this.arbiter.add(spec);
    await watcher.start().result.catch(() => undefined);
    return watcher;
  }

  /** Its first process, once the last link has become the program. */
  async child(options: Readonly<Record<string, unknown>>, given: Partial<Watcher['spec']> = {}): Promise<Process> {
    const watcher = await this.start(options, given);
    assert.equal(watcher.reason, '');
    return settled(watcher.processes[0]!);
  }

  async close(): Promise<void> {
    await this.arbiter.stop();
    await this.#scope.close();
    await this.host.close();
    this.arbiter.close();
  }
}

/** A process, once its chain is through. */
export async function settled(process: Process): Promise<Process> {
  await eventually(() => facts(process, 'comm').trim() === 'sleep');
  return process;
}

/** The text of a file of `/proc/PID`. */
export const facts = ({ pid }: Process, file: string): string => readFileSync(`/proc/${pid}/${file}`, 'utf8');

/** The line of `/proc/PID/status` with this name, its words joined by single blanks. */
export function status(process: Process, name: string): string {
  const [, value = ''] = new RegExp(`^${name}:(.*)$`, 'm').exec(facts(process, 'status')) ?? [];
  return value.trim().replaceAll(/\s+/g, ' ');
}

/** To be called in a `describe`: a world with the plugin for each of its tests. */
export function worldPerTest(): () => World {
  let world: World;
  before('be root', () => {
    assert.equal(process.getuid?.(), 0, 'these tests change users, so they need root');
  });
  beforeEach('make a world', async () => {
    watchLeftovers();
    world = new World();
    assert.deepEqual(await world.host.load([{ plugin: limits, options: {} }]), []);
  });
  afterEach('close the world', async () => {
    await world.close();
    await assertNothingLeft();
  });
  return () => world;
}
