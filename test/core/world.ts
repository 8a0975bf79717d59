/** An arbiter for one test, with ways to look at it. */
import { readFileSync } from 'node:fs';
import { Arbiter } from '../../core/arbiter.js';
import { systemClock, type Clock } from '../../core/clock.js';
import type { Fault } from '../../core/guard.js';
import type { HookViews } from '../../core/hooks.js';
import { adoptOrphans, releaseReaper } from '../../core/posix/reap.js';
import { Scope } from '../../core/scope.js';
import { watcherSpec, type WatcherSpec } from '../../core/spec.js';
import type { Watcher } from '../../core/watcher.js';
import { assertNothingLeft, watchLeftovers } from '../support/leftovers.js';

/** A watcher of `sleep`, which ends at the first signal. */
export const sleeper = (given: Partial<WatcherSpec> = {}): WatcherSpec =>
  watcherSpec({ name: 'sleeper', cmd: 'sleep 600', graceful_timeout: 5, copy_env: true, ...given });

/** A command that takes no SIGTERM for an answer, once it ignores it. */
export const deaf = { cmd: `sh -c 'trap "" TERM; while :; do sleep 600; done'` };

/** True when a process ignores (SigIgn) or catches (SigCgt) a signal. */
export function hasSignal(pid: number, set: 'SigIgn' | 'SigCgt', signal: number): boolean {
  const [, mask = '0'] = new RegExp(`^${set}:\\s*(\\w+)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return (BigInt(`0x${mask}`) & (1n << BigInt(signal - 1))) !== 0n;
}

export class World {
  readonly arbiter: Arbiter;
  readonly faults: Fault[] = [];
  /** What the hooks told, in short words. */
  readonly log: string[] = [];
  readonly hooks: HookViews;
  readonly #scopes: Scope[] = [];

  constructor(clock: Clock = systemClock) {
    this.arbiter = new Arbiter({ clock });
    this.hooks = this.plugin('witness').hooks;
    this.hooks.fault.tap('witness', (fault) => void this.faults.push(fault));
    this.hooks.watcherState.tap('witness', (_watcher, _before, after) => void this.log.push(after));
    this.hooks.spawned.tap('witness', ({ wid }) => void this.log.push(`spawned ${wid}`));
    this.hooks.reaped.tap('witness', ({ reason }, { wid }) => void this.log.push(`reaped ${wid} ${reason}`));
  }

  /** A plugin without a host: hooks to tap, and the scope that closes them. */
  plugin(name: string): { readonly hooks: HookViews; readonly scope: Scope } {
    const scope = new Scope(name);
    this.#scopes.push(scope);
    return { scope, hooks: this.arbiter.hooks.view(scope) };
  }

  /** Adds a watcher of `sleep`, changed as given. */
  add(given: Partial<WatcherSpec> = {}): Watcher {
    return this.arbiter.add(sleeper(given));
  }

  /** Adds a watcher and starts it. */
  async up(given: Partial<WatcherSpec> = {}): Promise<Watcher> {
    const watcher = this.add(given);
    await watcher.start().result;
    return watcher;
  }

  /** The faults, as `plugin hook: code or message`. */
  get faultWords(): readonly string[] {
    return this.faults.map(({ plugin, hook, error }) => {
      const { code, message } = error as { code?: string; message?: string };
      return `${plugin} ${hook}: ${code ?? message}`;
    });
  }

  /** Resolves when the condition holds; looked at whenever a state changed, something was told, or 5 ms are over. */
  async until(condition: () => unknown): Promise<void> {
    const end = performance.now() + 8000;
    while (!condition()) {
      if (performance.now() > end) throw new Error(`in vain: ${condition.toString()}; log: ${this.log.join(', ')}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async close(): Promise<void> {
    await this.arbiter.stop();
    for (const scope of this.#scopes) await scope.close();
    this.arbiter.close();
  }
}

/** To be called in a `describe`: a world for each of its tests, closed after it, with nothing left behind. */
export function worldPerTest(clock: () => Clock = () => systemClock): () => World {
  let world: World;
  beforeEach('make a world', () => {
    watchLeftovers();
    adoptOrphans();
    world = new World(clock());
  });
  afterEach('close the world', async () => {
    await world.close();
    await assertNothingLeft();
    releaseReaper();
  });
  return () => world;
}

export const pidsOf = ({ processes }: Watcher): readonly number[] => processes.map(({ pid }) => pid);
export const widsOf = ({ processes }: Watcher): readonly number[] => processes.map(({ wid }) => wid);

/** A plugin that answers the question whether a process is ready when the test says so. */
export function gate(world: World) {
  const { hooks, scope } = world.plugin('gate');
  const open: { readonly wid: number; readonly pid: number; answer(ready: boolean): void }[] = [];
  let closed = false;
  hooks.ready.tap('gate', ({ wid, pid }) => {
    if (!closed) return true;
    return new Promise<boolean>((answer) => open.push({ wid, pid, answer }));
  });
  return { open, scope, close: () => (closed = true) };
}
