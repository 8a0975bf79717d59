/** The limits of a group: how people write them, and what the kernel's files take. */
import { mustBe } from '../must-be.js';
import { readSize } from '../units.js';

/** One limit. */
export interface Limit {
  /** The file of a group that holds it, and the controller that makes the file. */
  readonly file: string;
  readonly controller: string;
  /** What the file holds where nothing is limited. */
  readonly none: string;
  /** What to write into the file. @throws Error whose message goes on after the key's name */
  readonly read: (text: string) => string;
}

/** Less is a slip: a unit that was left out. */
const leastMemory = 2 ** 20;
/** Above it numbers are not exact, and come out with an exponent. */
const mostMemory = Number.MAX_SAFE_INTEGER;
/** What Linux can be built for. */
const mostProcessors = 8192;
/** The kernel's own, in microseconds. */
const period = 100_000;

function readMemory(text: string): string {
  const bytes = /^\d+$/.test(text) ? Number(text) : readSize(text);
  if (text === 'max') return text;
  if (bytes === undefined) throw mustBe('a size such as 500M, or max', text);
  if (bytes < leastMemory) throw mustBe('at least 1M', text);
  if (bytes > mostMemory) throw mustBe('less than 8P, or max', text);
  return String(bytes);
}

function readProcessors(text: string): string {
  if (text === 'max') return `max ${period}`;
  const [, amount, percent] = /^(\d+\.?\d*|\.\d+)\s*(%?)$/.exec(text) ?? [];
  if (amount === undefined) throw mustBe('a share such as 50%, a number of processors such as 1.5, or max', text);
  const share = Number(amount) / (percent ? 100 : 1);
  // The kernel's least quota is a millisecond.
  if (share < 0.01) throw mustBe('at least 1%', text);
  if (share > mostProcessors) throw mustBe(`at most ${mostProcessors} processors, or max`, text);
  return `${Math.round(share * period)} ${period}`;
}

const readCount =
  (least: number, most: number, words: readonly string[] = []) =>
  (text: string): string => {
    if (words.includes(text)) return text;
    const isIn = /^\d+$/.test(text) && Number(text) >= least && Number(text) <= most;
    if (!isIn) throw mustBe([`a whole number from ${least} to ${most}`, ...words].join(', or '), text);
    return String(Number(text));
  };

/** The limits, by their keys. */
export const limits = {
  memory_max: { file: 'memory.max', controller: 'memory', none: 'max', read: readMemory },
  memory_high: { file: 'memory.high', controller: 'memory', none: 'max', read: readMemory },
  cpu_max: { file: 'cpu.max', controller: 'cpu', none: `max ${period}`, read: readProcessors },
  cpu_weight: { file: 'cpu.weight', controller: 'cpu', none: '100', read: readCount(1, 10_000) },
  pids_max: { file: 'pids.max', controller: 'pids', none: 'max', read: readCount(1, 4_194_304, ['max']) },
} as const satisfies Readonly<Record<string, Limit>>;

export type LimitName = keyof typeof limits;
/** What to write for each limit that is set. */
export type Limits = { readonly [N in LimitName]?: string | null | undefined };

/** The limits in the order in which they are written. */
export const limitNames = Object.keys(limits) as LimitName[];
