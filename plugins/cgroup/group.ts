/** The control group of one watcher: its limits, and below it a group for each of its processes. */
import { pidsIn, removeTree, type Files } from './files.js';
import { limitNames, limits, type Limits } from './limits.js';

/** Answers why a controller is not there; undefined when it is. */
export type Enable = (controller: string) => string | undefined;

/** A watcher's group. The limits count for all of its processes together; those below have none, and are there to be killed and frozen. */
export class Group {
  readonly path: string;
  /** Processes to come are frozen too. */
  frozen = false;
  readonly #files: Files;
  /** What each file holds, as far as it was written or is known. */
  readonly #holds = new Map<string, string>();
  /** Groups whose process may still come, by its wid. */
  readonly #awaiting = new Map<number, string>();
  #made = 0;
  /** One change of limits after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  /** Makes the group; one that was left behind is taken as it is. @throws Error */
  constructor(files: Files, path: string) {
    this.#files = files;
    this.path = path;
    if (files.make(path)) for (const { file, none } of Object.values(limits)) this.#holds.set(file, none);
  }

  /** Writes the limits that changed; what is not named is unlimited. @throws Error of the first file that refused */
  limit(wanted: Limits, enable: Enable): Promise<void> {
    const work = this.#limitAll(this.#turn, wanted, enable);
    this.#turn = work.catch(() => undefined);
    return work;
  }

  async #limitAll(earlier: Promise<unknown>, wanted: Limits, enable: Enable): Promise<void> {
    await earlier;
    for (const name of limitNames) await this.#limitOne(name, wanted[name], enable);
  }

  async #limitOne(name: keyof typeof limits, wanted: string | null | undefined, enable: Enable): Promise<void> {
    const { file, controller, none } = limits[name];
    const text = wanted ?? none;
    if (this.#holds.get(file) === text) return;
    const path = `${this.path}/${file}`;
    if (text === none ? this.#files.read(path) === undefined : enable(controller) !== undefined) return;
    await this.#files.writeSlowly(path, text);
    this.#holds.set(file, text);
  }

  /** The group that a process to come would get. */
  nextPlace(wid: number): string {
    return `${this.path}/${wid}.${this.#made + 1}`;
  }

  /** Makes the group of a process to come. @throws Error */
  place(wid: number): string {
    const unused = this.#awaiting.get(wid);
    // The spawn that it was made for has failed.
    if (unused !== undefined) this.#files.remove(unused);
    let path: string;
    do path = `${this.path}/${wid}.${++this.#made}`;
    while (!this.#files.make(path));
    this.#awaiting.set(wid, path);
    if (this.frozen) this.#files.write(`${path}/cgroup.freeze`, '1');
    return path;
  }

  /** The process of this place has come. */
  arrived(wid: number): void {
    this.#awaiting.delete(wid);
  }

  /** Freezes or thaws its processes but those in the groups that are spared, and those to come. @throws Error */
  freeze(frozen: boolean, spared: ReadonlySet<string> = new Set()): void {
    this.frozen = frozen;
    for (const path of this.#places())
      if (!spared.has(path)) this.#files.write(`${path}/cgroup.freeze`, frozen ? '1' : '0');
  }

  /** True when the kernel has frozen whatever runs in it. */
  isFrozen(spared: ReadonlySet<string>): boolean {
    return this.#places().every((path) => {
      if (spared.has(path)) return true;
      const events = this.#files.read(`${path}/cgroup.events`);
      return events === undefined || /^populated 0$/m.test(events) || /^frozen 1$/m.test(events);
    });
  }

  /** The pids of all that runs in it. */
  get pids(): readonly number[] {
    return pidsIn(this.#files, this.path);
  }

  /** Removes the groups of processes that are gone with all that they started; `used` are those that are to stay. */
  sweep(used: ReadonlySet<string>): void {
    const awaited = new Set(this.#awaiting.values());
    for (const path of this.#places()) if (!used.has(path) && !awaited.has(path)) removeTree(this.#files, path);
  }

  #places(): readonly string[] {
    return this.#files.folders(this.path).map((name) => `${this.path}/${name}`);
  }
}
