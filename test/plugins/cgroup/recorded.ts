/** A tree of control groups as Linux 6.18 has it, recorded: groups get the files that the kernel gives them, and every write is kept. */
import type { Files } from '#plugins/cgroup/files.js';

/** What a new group holds, by the controller that its parent passes on. */
const recorded: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  memory: {
    'memory.max': 'max\n',
    'memory.high': 'max\n',
    'memory.events': 'low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n',
  },
  cpu: { 'cpu.max': 'max 100000\n', 'cpu.weight': '100\n' },
  pids: { 'pids.max': 'max\n', 'pids.events': 'max 0\n' },
};
const basic = {
  'cgroup.procs': '',
  'cgroup.subtree_control': '',
  'cgroup.events': 'populated 0\nfrozen 0\n',
  'cgroup.freeze': '0\n',
  'cgroup.kill': '',
};

const fault = (code: string) => Object.assign(new Error(code), { code });
const parentOf = (path: string) => path.slice(0, path.lastIndexOf('/'));

export class RecordedTree implements Files {
  readonly writes: string[] = [];
  readonly files = new Map<string, string>();
  /** Groups that may not be written to. */
  readonly locked = new Set<string>();
  readonly #groups = new Set<string>();

  /** `top` is the parent of all, and offers these controllers. */
  constructor(top: string, controllers: readonly string[]) {
    this.#groups.add(top);
    this.files.set(`${top}/cgroup.procs`, '').set(`${top}/cgroup.subtree_control`, '');
    this.files.set(`${top}/cgroup.controllers`, `${controllers.join(' ')}\n`);
  }

  read = (path: string): string | undefined => this.files.get(path);
  writable = (path: string): boolean => !this.locked.has(path) && (this.#groups.has(path) || this.files.has(path));
  folders = (path: string): readonly string[] =>
    [...this.#groups].filter((group) => parentOf(group) === path).map((group) => group.slice(path.length + 1));

  make(path: string): boolean {
    if (this.#groups.has(path)) return false;
    const parent = parentOf(path);
    if (!this.#groups.has(parent)) throw fault('ENOENT');
    this.#groups.add(path);
    for (const [file, text] of Object.entries(basic)) this.files.set(`${path}/${file}`, text);
    this.#passOn(parent, path);
    return true;
  }

  remove(path: string): boolean {
    const isBusy = this.folders(path).length > 0 || this.files.get(`${path}/cgroup.procs`) !== '';
    if (isBusy || !this.#groups.delete(path)) return false;
    for (const file of this.files.keys()) if (parentOf(file) === path) this.files.delete(file);
    return true;
  }

  write(path: string, text: string): void {
    if (!this.files.has(path)) throw fault('EACCES');
    this.writes.push(`${path} ${text}`);
    const group = parentOf(path);
    if (path.endsWith('/cgroup.procs')) return this.#move(group, text);
    if (!path.endsWith('/cgroup.subtree_control')) return void this.files.set(path, `${text}\n`);
    if (this.files.has(`${group}/cgroup.events`) && this.files.get(`${group}/cgroup.procs`) !== '')
      throw fault('EBUSY');
    const passed = new Set((this.files.get(path) ?? '').split(/\s+/).filter(Boolean));
    for (const word of text.split(' ')) passed[word.startsWith('+') ? 'add' : 'delete'](word.slice(1));
    this.files.set(path, [...passed].join(' '));
    for (const name of this.folders(group)) this.#passOn(group, `${group}/${name}`);
  }

  writeSlowly = async (path: string, text: string): Promise<void> => this.write(path, text);

  /** Puts processes into a group, as if they had been born there. */
  people(group: string, ...pids: readonly number[]): void {
    this.files.set(`${group}/cgroup.procs`, pids.map((pid) => `${pid}\n`).join(''));
  }

  #move(group: string, pid: string): void {
    for (const [file, text] of this.files)
      if (file.endsWith('/cgroup.procs')) this.files.set(file, text.replace(new RegExp(`^${pid}\n`, 'm'), ''));
    this.files.set(`${group}/cgroup.procs`, `${this.files.get(`${group}/cgroup.procs`)}${pid}\n`);
  }

  #passOn(parent: string, path: string): void {
    const passed = this.files.get(`${parent}/cgroup.subtree_control`)!;
    this.files.set(`${path}/cgroup.controllers`, passed);
    for (const controller of passed.split(/\s+/).filter(Boolean))
      for (const [file, text] of Object.entries(recorded[controller] ?? {}))
        if (!this.files.has(`${path}/${file}`)) this.files.set(`${path}/${file}`, text);
  }
}
