/** The groups of all watchers and their processes: who is in which. */
import type { Place, Process, ProcessSpec, Watcher } from '#core';
import type { Explanation } from '../controller/service.js';
import { pidsIn, removeTree, settle, type Files } from './files.js';
import { Group } from './group.js';
import { limitNames, limits } from './limits.js';
import type { CgroupOptions } from './options.js';
import type { Subtree } from './subtree.js';

/** Tells our link of the chain from others. */
const mark = 'circusd-cgroup';
/** A shell, as only the process itself can enter before its program runs: it is in the group from its first instruction on. */
const link = (path: string) => ['/bin/sh', '-c', 'echo 0 > "$1/cgroup.procs" && shift && exec "$@"', mark, path];

/** What the groups are made with. */
export interface GroupsContext {
  readonly files: Files;
  readonly subtree: Subtree;
  readonly optionsFor: (watcher: Pick<Watcher, 'spec'>) => CgroupOptions;
  readonly warn: (message: string) => void;
}

/** All groups. */
export class Groups {
  readonly #around: GroupsContext;
  readonly #groups = new Map<Watcher, Group>();
  /** Watchers that were taken out, and whose processes may still run. */
  readonly #leaving = new WeakSet<Watcher>();
  readonly #warned = new Set<string>();
  /** The groups of processes that were there before the plugin, and were put into one. */
  readonly #late = new WeakMap<Process, string>();

  constructor(around: GroupsContext) {
    this.#around = around;
  }

  /** The group of a watcher, where it has one. */
  of(watcher: Watcher): Group | undefined {
    return this.#groups.get(watcher);
  }

  /** Whether a watcher is to have a group: its old one may still be there, or its new one not yet. */
  isActive(watcher: Watcher): boolean {
    return this.#around.optionsFor(watcher).active;
  }

  /** The same as `of`, by the name of the watcher. */
  named(watcher: string): Group | undefined {
    return [...this.#groups].find(([{ name }]) => name === watcher)?.[1];
  }

  #open(watcher: Watcher): Group {
    const { files, subtree } = this.#around;
    const path = subtree.groupOf(watcher.name);
    // One that was taken out may still have processes there, when its name is another's already.
    const known = this.of(watcher) ?? [...this.#groups.values()].find((group) => group.path === path);
    const group = known ?? new Group(files, path);
    this.#groups.set(watcher, group);
    return group;
  }

  /** True for a group of two watchers: one that was taken out, and another that has its name already. */
  isShared(group: Group): boolean {
    return [...this.#groups.values()].filter((one) => one === group).length > 1;
  }

  /** The group of a process; undefined for one that has none. */
  placeOf(process: Process): string | undefined {
    return this.#late.get(process) ?? process.spec.chain.find((words) => words[3] === mark)?.[4];
  }

  /** Takes on a watcher that was there before the plugin: its processes get groups while they run. @throws Error */
  async resume(watcher: Watcher, frozen = false): Promise<void> {
    if (!this.#around.optionsFor(watcher).active || watcher.processes.length === 0) return;
    const group = this.#open(watcher);
    group.frozen = frozen;
    for (const process of watcher.processes) if (this.placeOf(process) === undefined) this.#takeIn(process, group);
    await this.limit(watcher);
  }

  #takeIn(process: Process, group: Group): void {
    const { files } = this.#around;
    const path = group.place(process.wid);
    group.arrived(process.wid);
    settle(files, path, () => {
      const inside = new Set(pidsIn(files, path));
      return [process.pid, ...process.descendants()].filter((pid) => !inside.has(pid));
    });
    if (pidsIn(files, path).includes(process.pid)) this.#late.set(process, path);
  }

  /** The pids of a watcher's processes that have no group: they were started before the plugin was loaded. */
  outside({ processes }: Watcher): readonly number[] {
    return processes.filter((process) => this.placeOf(process) === undefined).map(({ pid }) => pid);
  }

  /** A process with the link in front that enters its group, which is made unless it is a preview. @throws Error */
  async enter(process: ProcessSpec, watcher: Watcher, at: Place): Promise<ProcessSpec> {
    const { wid, preview } = at;
    const { subtree, optionsFor } = this.#around;
    if (!optionsFor(at).active) return process;
    const entering = (path: string) => ({ ...process, chain: [...process.chain, link(path)] });
    if (preview) return entering(this.of(watcher)?.nextPlace(wid) ?? `${subtree.groupOf(watcher.name)}/${wid}.1`);
    const group = this.#open(watcher);
    this.#sweep(watcher, group);
    // The group is not empty any more, and can't be tidied up meanwhile.
    const path = group.place(wid);
    await this.limit(watcher);
    return entering(path);
  }

  /** Writes the limits of a watcher that has a group. @throws Error */
  async limit(watcher: Watcher): Promise<void> {
    const { subtree, optionsFor, warn } = this.#around;
    await this.of(watcher)?.limit(optionsFor(watcher), (controller) => {
      const reason = subtree.enable(controller);
      if (reason !== undefined && !this.#warned.has(controller)) {
        const keys = limitNames.filter((name) => limits[name].controller === controller).join(' and ');
        warn(`there is no controller "${controller}" (${reason}); without effect: ${keys}; everything else works`);
      }
      this.#warned.add(controller);
      return reason;
    });
  }

  /** A process has come. */
  arrived(process: Process, watcher: Watcher): void {
    this.of(watcher)?.arrived(process.wid);
  }

  /** The pids below a process, with those of its group. */
  family(pids: readonly number[], process: Process): readonly number[] {
    const path = this.placeOf(process);
    if (path === undefined) return pids;
    const inside = pidsIn(this.#around.files, path);
    // One that another user took on is lost to its parent, and goes on in the group.
    return [...new Set([...pids, ...inside.filter((pid) => pid !== process.pid || !process.alive)])];
  }

  /** Removes what is empty of a watcher's groups; when it was taken out, or is to have none, its own too. */
  tidy(watcher: Watcher): void {
    const group = this.of(watcher);
    if (!group) return;
    this.#sweep(watcher, group);
    const { files } = this.#around;
    const isShared = this.isShared(group);
    const isOver = this.#leaving.has(watcher) && watcher.processes.length === 0;
    // One that may get processes again can have an empty place for one that is to come, and is kept for that.
    const isSpare = !isShared && !this.isActive(watcher);
    if (isOver ? isShared || removeTree(files, group.path) : isSpare && files.remove(group.path))
      this.#groups.delete(watcher);
  }

  #sweep({ name }: Watcher, group: Group): void {
    const sharing = [...this.#groups.keys()].filter((one) => one.name === name);
    const processes = sharing.flatMap((one) => one.processes);
    group.sweep(new Set(processes.flatMap((process) => this.placeOf(process) ?? [])));
  }

  /** Lets go of all groups, as far as nothing runs in them. */
  close(): void {
    for (const watcher of this.#groups.keys()) this.tidy(watcher);
    this.#around.subtree.close();
  }

  /** Removes the group of a watcher that was taken out, as soon as its processes are gone. */
  forget(watcher: Watcher): void {
    this.#leaving.add(watcher);
    this.tidy(watcher);
  }

  /** The file that counts the kills for want of memory among which that of this process is. */
  counterOf(process: Process): string | undefined {
    const path = this.placeOf(process);
    return path === undefined ? undefined : `${path.slice(0, path.lastIndexOf('/'))}/memory.events`;
  }

  /** What there is to say about a watcher's group. */
  explain(watcher: Watcher): Explanation | undefined {
    const group = this.of(watcher);
    if (!group || !this.#around.optionsFor(watcher).active) return undefined;
    const { path, frozen } = group;
    const text = `Its processes are in the control group ${path}.`;
    return {
      facts: { cgroup: { path, frozen } },
      text: frozen ? ['It is frozen: its processes do nothing until it is thawed.', text] : [text],
    };
  }
}
