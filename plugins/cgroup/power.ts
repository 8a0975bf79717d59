/** What is done to the groups of watchers and processes: they are killed, frozen and thawed. */
import { send, sleep, type Clock, type Means, type Process, type Watcher } from '#core';
import { SIGKILL } from '../signal.js';
import { pidsIn, type Files } from './files.js';
import type { Group } from './group.js';
import type { Groups } from './groups.js';

/** How often, and how long, the kernel is asked whether it has done what it was told, in ms. */
const patience = { pause: 10, longest: 3000 };

/** Looks until the kernel has done it; false when it takes its time. */
async function waitUntil(clock: Clock, isDone: () => boolean): Promise<boolean> {
  const end = clock.monotonic() + patience.longest;
  while (!isDone()) {
    if (clock.monotonic() > end) return false;
    await sleep(clock, patience.pause);
  }
  return true;
}

/** Kills and freezes by the kernel's files. */
export class Power {
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #groups: Groups;

  constructor(files: Files, clock: Clock, groups: Groups) {
    this.#files = files;
    this.#clock = clock;
    this.#groups = groups;
  }

  /** By what the trees of a watcher's processes are killed at one stroke, also what is just being forked; undefined without a group. */
  means(watcher: string): Means | undefined {
    const group = this.#groups.named(watcher);
    if (!group) return undefined;
    const by = this.#files.writable(`${group.path}/cgroup.kill`) ? 'cgroup.kill' : 'cgroup.procs';
    return { by, kill: (process) => this.#kill(process) };
  }

  #kill(process: Process): void {
    const path = this.#groups.placeOf(process);
    if (path !== undefined) this.#killAll(path);
  }

  #killAll(path: string): void {
    try {
      this.#files.write(`${path}/cgroup.kill`, '1');
    } catch {
      // A kernel before 5.14 has no such file, and a group that is gone has nobody in it.
      for (const pid of pidsIn(this.#files, path)) send(pid, SIGKILL);
    }
  }

  /** Lets a process go on that is to stop: a frozen one can't hear the signal. */
  release(process: Process): void {
    const path = this.#groups.placeOf(process);
    if (path !== undefined && this.#files.read(`${path}/cgroup.freeze`)?.trim() === '1')
      this.#files.write(`${path}/cgroup.freeze`, '0');
  }

  /** Freezes or thaws a watcher; resolves when the kernel has done it, false: it takes its time. @throws Error */
  async freeze(watcher: Watcher, group: Group, frozen: boolean): Promise<boolean> {
    // One that is to stop must hear the signal.
    const stopping = watcher.processes.filter((process) => process.stopping);
    const spared = new Set(stopping.flatMap((process) => this.#groups.placeOf(process) ?? []));
    group.freeze(frozen, spared);
    // Somebody may thaw it meanwhile.
    return waitUntil(this.#clock, () => !group.frozen || group.isFrozen(spared));
  }

  /** Clears up after a watcher that was stopped: what its processes had left behind when they ended by themselves is killed. */
  async clear(watcher: Watcher): Promise<void> {
    const group = this.#groups.of(watcher);
    if (!group) return;
    const isOver = () => watcher.wanted === 'down' && watcher.processes.length === 0 && !this.#groups.isShared(group);
    await waitUntil(this.#clock, () => {
      if (!isOver() || group.pids.length === 0) return true;
      this.#killAll(group.path);
      return false;
    });
    this.#groups.tidy(watcher);
  }
}
