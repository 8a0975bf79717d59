/** Whether the system killed a process for want of memory, as the counters of its control group tell. */
import { readFileSync } from 'node:fs';

/** Reads a file; undefined when it can't be read. */
type Read = (path: string) => string | undefined;

const readFile: Read = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

/** Where a counter stood. */
interface Mark {
  readonly file: string;
  readonly count: number;
}

/** More files than this were used by processes of long ago. */
const mostFiles = 1000;

/** Counts the kills of the out-of-memory killer. Only kills that nobody here asked for are to be asked about. */
export class MemoryKills {
  readonly #read: Read;
  readonly #marks = new WeakMap<object, Mark>();
  /** How many kills of each file are explained. */
  readonly #explained = new Map<string, number>();

  constructor(read = readFile) {
    this.#read = read;
  }

  /** Notes the counters of a process while it runs: afterwards nobody knows its control group. `known` are looked at first. */
  watch(process: { readonly pid: number }, known: readonly string[] = []): void {
    for (const file of [...known, ...this.#candidates(process.pid)]) {
      const count = this.#count(file);
      if (count === undefined) continue;
      this.#marks.set(process, { file, count });
      return;
    }
  }

  /** True when a process of its group was killed since `watch` that no call before this one has explained. */
  explains(process: object): boolean {
    const mark = this.#marks.get(process);
    const count = mark && this.#count(mark.file);
    if (!mark || count === undefined) return false;
    const known = Math.max(mark.count, this.#explained.get(mark.file) ?? 0);
    if (count <= known) return false;
    if (this.#explained.size >= mostFiles) this.#explained.clear();
    this.#explained.set(mark.file, known + 1);
    return true;
  }

  /** cgroup v2, cgroup v1, and the whole machine, which is all that there is outside of control groups. */
  #candidates(pid: number): readonly string[] {
    const groups = this.#read(`/proc/${pid}/cgroup`) ?? '';
    const inV2 = /^0::(.*)$/m.exec(groups)?.[1];
    const inV1 = /^\d+:(?:[^:\n]*,)?memory(?:,[^:\n]*)?:(.*)$/m.exec(groups)?.[1];
    return [
      ...(inV1 === undefined ? [] : [`/sys/fs/cgroup/memory${inV1}/memory.oom_control`]),
      ...(inV2 === undefined ? [] : [`/sys/fs/cgroup${inV2}/memory.events`]),
      '/proc/vmstat',
    ];
  }

  #count(file: string): number | undefined {
    const count = /^oom_kill (\d+)$/m.exec(this.#read(file) ?? '')?.[1];
    return count === undefined ? undefined : Number(count);
  }
}
