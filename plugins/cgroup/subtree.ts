/** The part of the hierarchy that is the daemon's, and its controllers. */
import { createHash } from 'node:crypto';
import { send } from '#core';
import { claim } from './claim.js';
import { pidsOf, removeTree, settle, type Files } from './files.js';
import { clearUp } from './left.js';
import { abandonedIn, choosePlace, isOurs, isTop, leafName, type PlaceContext } from './place.js';

const prefix = 'watcher.';
/** A name has 255 letters at most: of a longer one there is the beginning, and a sum of all. */
const longestName = 200;

const wordsIn = (text: string | undefined) => (text ?? '').split(/\s+/).filter(Boolean);

/** The name of a watcher's group: other letters than those of names are written as %XX. */
export function groupName(watcher: string): string {
  const letters = [...Buffer.from(watcher)].map((byte) => {
    const letter = String.fromCharCode(byte);
    return /[\w.-]/.test(letter) ? letter : `%${byte.toString(16).padStart(2, '0')}`;
  });
  const name = letters.join('');
  if (name.length <= longestName) return prefix + name;
  return `${prefix}${name.slice(0, longestName)}~${createHash('sha256').update(watcher).digest('hex').slice(0, 16)}`;
}

/** The groups of watchers in a place. */
const groupsIn = (files: Files, path: string): readonly string[] =>
  files
    .folders(path)
    .filter((name) => name.startsWith(prefix))
    .map((name) => `${path}/${name}`);

/** The groups below one place. */
export class Subtree {
  readonly path: string;
  readonly #around: PlaceContext;
  readonly #files: Files;
  readonly #above: string | undefined;
  /** What tells other daemons that the place is taken; one of its own at the top has its name for that. */
  readonly #claim: string | undefined;
  /** The daemon was moved into the leaf, and is moved back at the end. */
  #settled = false;
  /** Controllers that were asked for: why they are not there, if so. */
  readonly #asked = new Map<string, string | undefined>();

  /** Takes the place that is named or found; what a daemon that crashed left there is thawed, told, and removed as far as it is empty. @throws Error */
  constructor(around: PlaceContext, named?: string) {
    const { files, pid } = around;
    const { path, above } = choosePlace(around, named);
    this.path = path;
    this.#around = around;
    this.#files = files;
    this.#above = above;
    if (above !== undefined) {
      for (const left of abandonedIn(files, above, (one) => send(one, 0))) {
        for (const group of groupsIn(files, left)) clearUp(files, group, around.warn);
        removeTree(files, left);
      }
      files.make(path);
    } else this.#claim = claim(files, path, pid);
    for (const group of this.#unused()) clearUp(files, group, around.warn);
    if (!isTop(files, path) && pidsOf(files, path).includes(pid) && isOurs(around, path)) this.#settle();
    else this.#settled = files.folders(path).includes(leafName) && pidsOf(files, this.#leaf).includes(pid);
  }

  get #leaf(): string {
    return `${this.path}/${leafName}`;
  }

  #settle(): void {
    this.#files.make(this.#leaf);
    this.#settled = this.#move(this.path, this.#leaf);
  }

  /** Moves the daemon and what it has started; true when nobody is left. */
  #move(from: string, to: string): boolean {
    return settle(this.#files, to, () => pidsOf(this.#files, from));
  }

  /** The group of a watcher, which may not be there yet. */
  groupOf(watcher: string): string {
    return `${this.path}/${groupName(watcher)}`;
  }

  /** Has a controller passed on to the groups of the watchers; answers why it is not, undefined when it is. */
  enable(controller: string): string | undefined {
    if (!this.#asked.has(controller)) this.#asked.set(controller, this.#pass(controller));
    return this.#asked.get(controller);
  }

  #pass(controller: string): string | undefined {
    for (const group of this.#above === undefined ? [this.path] : [this.#above, this.path]) {
      if (wordsIn(this.#files.read(`${group}/cgroup.subtree_control`)).includes(controller)) continue;
      if (!wordsIn(this.#files.read(`${group}/cgroup.controllers`)).includes(controller))
        return `the kernel does not offer it in ${group}`;
      try {
        this.#files.write(`${group}/cgroup.subtree_control`, `+${controller}`);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        return `it can't be passed on by ${group}: ${code === 'EBUSY' ? 'processes run in it' : code}`;
      }
    }
    return undefined;
  }

  /** The groups of watchers that have no process. */
  #unused(): readonly string[] {
    const busy = new Set(this.#around.busy().map((watcher) => this.groupOf(watcher)));
    return groupsIn(this.#files, this.path).filter((group) => !busy.has(group));
  }

  /** Gives everything back, unless something still runs in it. */
  close(): void {
    for (const group of this.#unused()) removeTree(this.#files, group);
    if (this.#claim !== undefined) this.#files.remove(this.#claim);
    if (this.#above !== undefined) this.#files.remove(this.path);
    const isEmpty = !this.#files.folders(this.path).some((name) => name.startsWith(prefix));
    if (!this.#settled || !isEmpty) return;
    const passed = wordsIn(this.#files.read(`${this.path}/cgroup.subtree_control`));
    // A group that passes controllers on can't take the daemon back.
    if (passed.length > 0)
      this.#files.write(`${this.path}/cgroup.subtree_control`, passed.map((one) => `-${one}`).join(' '));
    if (this.#move(this.#leaf, this.path)) this.#files.remove(this.#leaf);
  }
}
