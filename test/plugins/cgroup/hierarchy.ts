/**
 * A place in the kernel's hierarchy of cgroup v2 for tests: mounted for them alone, in a mount namespace of its own. All that they do
 * is below one group, which is removed again; nothing of the machine's own is changed.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pidsIn, removeTree, systemFiles } from '#plugins/cgroup/files.js';
import { eventually } from '../../support/eventually.js';
import { makeTemporary, type Temporary } from '../../support/temporary.js';

const mountIt = 'mount -t cgroup2 none "$1" && echo mounted && exec cat';
const enter = 'echo 0 > "$1/cgroup.procs" && cd "$2" && shift 2 && exec "$@"';

/** The mounted hierarchy, and the group of the tests in it. */
export class Hierarchy {
  readonly #folder: Temporary = makeTemporary();
  readonly #keeper: ChildProcess;
  readonly #made: string[] = [];
  readonly #name = `circusd-test-${process.pid}`;

  /** A group for daemons whose groups are elsewhere. */
  readonly here = 'daemons';

  private constructor() {
    const words = ['--mount', '--propagation', 'private', 'sh', '-c', mountIt, 'sh', this.#folder.path];
    this.#keeper = spawn('unshare', words, { stdio: ['pipe', 'pipe', 'pipe'] });
  }

  /** Mounts it. @throws when the kernel or our rights do not allow it, and says so */
  static async open(): Promise<Hierarchy> {
    const hierarchy = new Hierarchy();
    const keeper = hierarchy.#keeper;
    let said = '';
    keeper.stderr!.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const ended = once(keeper, 'exit').then(() => 'ended');
    const mounted = await Promise.race([once(keeper.stdout!, 'data').then(String), ended]);
    if (mounted.trim() !== 'mounted') {
      hierarchy.#folder.remove();
      assert.fail(`these tests need root and a kernel that mounts cgroup v2 in a namespace of its own: ${said}`);
    }
    mkdirSync(hierarchy.path());
    hierarchy.make(hierarchy.here);
    return hierarchy;
  }

  /** A folder in it, as this process reaches it, which is not in the namespace. */
  path(...names: readonly string[]): string {
    return join(`/proc/${this.#keeper.pid}/root${this.#folder.path}`, this.#name, ...names);
  }

  /** The same as those see it who are in the namespace. */
  inside(...names: readonly string[]): string {
    return join(this.#folder.path, this.#name, ...names);
  }

  /** Makes a group of the tests. */
  make(name: string): string {
    mkdirSync(this.path(name));
    this.#made.unshift(name);
    return this.path(name);
  }

  /** The controllers that the kernel offers here. */
  get controllers(): readonly string[] {
    return readFileSync(this.path('..', 'cgroup.controllers'), 'utf8').split(/\s+/).filter(Boolean);
  }

  /** Words that have a daemon started in a group of the tests, in the namespace; `more` stand in front of it. */
  through(group: string, ...more: readonly string[]): readonly string[] {
    return [...this.within, 'sh', '-c', enter, 'sh', this.inside(group), '/', ...more];
  }

  /** Words that have a program started in the namespace. */
  get within(): readonly string[] {
    return ['nsenter', `--mount=/proc/${this.#keeper.pid}/ns/mnt`, '--'];
  }

  /** Ends it; what is left of the groups is told. */
  async close(): Promise<void> {
    // What a test that failed has left, which nobody else could find.
    const running = inGroup(this.path());
    put(this.path(), 'cgroup.kill', '1');
    await eventually(() => inGroup(this.path()).length === 0);
    const left: string[] = running.map((pid) => `process ${pid}`);
    const tell = (path: string) => {
      for (const name of systemFiles.folders(path)) {
        left.push(`${path}/${name}`);
        tell(`${path}/${name}`);
      }
    };
    for (const name of this.#made) systemFiles.remove(this.path(name));
    tell(this.path());
    removeTree(systemFiles, this.path());
    const isGone = () => !readdirSync(this.path('..')).includes(this.#name);
    await eventually(() => isGone() || rmdirSync(this.path()));
    this.#keeper.stdin!.end();
    await once(this.#keeper, 'exit');
    this.#folder.remove();
    assert.deepEqual(left, [], 'groups were left behind');
  }
}

/** The text of a file of a group. */
export const held = (group: string, file: string): string => readFileSync(join(group, file), 'utf8').trim();
/** Writes into a file of a group. */
export const put = (group: string, file: string, text: string): void => writeFileSync(join(group, file), text);
/** The pids in a group and below. */
export const inGroup = (group: string): readonly number[] => pidsIn(systemFiles, group);
/** The groups below one, as names from there; without the claims of daemons. */
export const below = (group: string): readonly string[] =>
  systemFiles
    .folders(group)
    .filter((name) => !/^circusd\.\d+\.\d+$/.test(name))
    .flatMap((name) => [name, ...below(join(group, name)).map((one) => `${name}/${one}`)]);

/** To be called in a `describe`: a hierarchy for its tests. */
export function hierarchyForAll(): () => Hierarchy {
  let hierarchy: Hierarchy | undefined;
  before('mount cgroup v2 for these tests alone', async () => {
    hierarchy = await Hierarchy.open();
  });
  after('unmount it', () => hierarchy?.close());
  return () => hierarchy!;
}
