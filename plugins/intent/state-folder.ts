/** The files of one daemon's state: read at once, written as a whole or not at all. What can't be written is kept in memory. */
import {
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { reasonOf, type Log } from '#core';

/** Larger files are none of ours, in bytes. */
const largest = 16 * 2 ** 20;
/** The file that tells which daemon writes here. */
const holder = 'daemon';
/** A new file, never one that is there, nor what a link leads to. */
const anew = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** By which others may write. */
const shared = 0o022;
const sticky = 0o1000;

/** A process by its number and the time of its start, in the system's own terms; undefined when it does not live. */
function processMark(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return `${pid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return undefined;
  }
}

/** Makes a folder, and those above it that are missing. Node's own way never comes back from places such as /proc. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o700 });
  // Whatever the umask takes away.
  chmodSync(path, 0o700);
}

/** The nearest folder above this one in which others could put another one in its place; undefined when there is none. */
function openAbove(path: string): string | undefined {
  const above = dirname(path);
  if (above === path) return undefined;
  const { uid, mode } = lstatSync(above);
  const isOthers = uid !== 0 && uid !== process.geteuid?.();
  return isOthers || ((mode & shared) !== 0 && (mode & sticky) === 0) ? above : openAbove(above);
}

/** Why a folder can't be trusted; undefined when it can. Whoever could write there could have us start what he likes. */
function flawOf(path: string): string | undefined {
  const stat = lstatSync(path);
  if (!stat.isDirectory()) return 'it is no folder of its own';
  if (stat.uid !== process.geteuid?.() || (stat.mode & shared) !== 0) return 'others may write there';
  const above = openAbove(realpathSync(path));
  return above === undefined ? undefined : `others may write to ${above}`;
}

/** A folder that nobody but us can write to. */
export class StateFolder {
  readonly path: string;
  readonly #log: Pick<Log, 'warn'>;
  /** What is not written yet, or could not be, by the file's name. */
  readonly #unwritten = new Map<string, unknown>();
  #trouble: string | undefined;
  #isOurs = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(path: string, log: Pick<Log, 'warn'>) {
    this.path = path;
    this.#log = log;
    if (existsSync(path)) this.#try(() => this.#claim());
  }

  /** Why nothing can be written here; undefined when all is well, or nothing had to be written yet. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /**
   * What a file holds; undefined when there is none. One that is broken, as `parse` says by throwing, is put aside,
   * and told, as are flaws of one that can be used all the same, which stays.
   */
  read<T>(name: string, parse: (value: unknown, tell: (flaw: string) => void) => T): T | undefined {
    if (this.#unwritten.has(name)) return this.#unwritten.get(name) as T;
    const file = join(this.path, name);
    // Whose folder it is was told when it was opened.
    if (!existsSync(file) || flawOf(this.path) !== undefined) return undefined;
    try {
      if (statSync(file).size > largest) throw new Error(`it is larger than ${largest} bytes`);
      return parse(JSON.parse(readFileSync(file, 'utf8')), (flaw) => this.#log.warn(`${file}: ${flaw}`));
    } catch (error) {
      this.#log.warn(
        `${file} can't be used: ${reasonOf(error)}; what it held does not hold any more, and is kept in ${file}.broken`,
      );
      this.#try(() => renameSync(file, `${file}.broken`));
      return undefined;
    }
  }

  /** Puts JSON into a file; resolves when it is there to stay, or can't be, which is told once. */
  write(name: string, value: unknown): Promise<void> {
    this.#unwritten.set(name, value);
    const work = this.#turn.then(() => this.#put(name, value));
    this.#turn = work;
    return work;
  }

  /** Resolves when all is written; from then on another daemon may write here. */
  async close(): Promise<void> {
    await this.#turn;
    if (this.#isOurs) this.#try(() => rmSync(join(this.path, holder)));
    this.#isOurs = false;
  }

  async #put(name: string, value: unknown): Promise<void> {
    try {
      await this.#write(name, JSON.stringify(value));
      // Something newer may wait already.
      if (this.#unwritten.get(name) === value) this.#unwritten.delete(name);
      this.#trouble = undefined;
    } catch (error) {
      this.#tell(error);
    }
  }

  async #write(name: string, text: string): Promise<void> {
    this.#claim();
    const file = join(this.path, name);
    // One that an end of the daemon left.
    rmSync(`${file}.new`, { force: true });
    const draft = await open(`${file}.new`, anew, 0o600);
    try {
      await draft.writeFile(text);
      await draft.sync();
    } finally {
      await draft.close();
    }
    await rename(`${file}.new`, file);
  }

  /** Makes the folder, and makes sure that no other daemon writes here. @throws Error */
  #claim(): void {
    makeFolder(this.path);
    const flaw = flawOf(this.path);
    if (flaw !== undefined) throw new Error(flaw);
    if (this.#isOurs) return;
    const file = join(this.path, holder);
    const mark = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
    const pid = Number(mark.split(' ')[0]);
    if (pid > 0 && pid !== process.pid && processMark(pid) === mark)
      throw new Error(`the daemon with the process id ${pid} writes there`);
    rmSync(file, { force: true });
    writeFileSync(file, `${processMark(process.pid)}\n`, { flag: 'wx', mode: 0o600 });
    this.#isOurs = true;
  }

  #try(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#tell(error);
    }
  }

  #tell(error: unknown): void {
    const isKnown = this.#trouble !== undefined;
    this.#trouble = reasonOf(error);
    if (!isKnown)
      this.#log.warn(
        `nothing can be kept in ${this.path}: ${this.#trouble}; what is disabled, and which specs were good, is known until circusd ends`,
      );
  }
}
