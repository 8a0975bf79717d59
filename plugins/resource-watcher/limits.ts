/** Limits and the samples that are held against them: pure functions. */

/** One limit; memory in bytes, the processor in percent of one core, `health` in percent of both. */
export interface Limit {
  /** As the user calls it. */
  readonly key: string;
  readonly what: 'memory' | 'cpu' | 'health';
  readonly side: 'over' | 'under';
  readonly value: number;
}

/** What one look found; undefined is not known. */
export interface Sample {
  readonly memory: number;
  readonly cpu: number | undefined;
}

/** How many of the last samples must break a limit. */
export interface Rule {
  readonly need: number;
  readonly of: number;
}

/** Whether the last samples broke each limit, by its key; the newest is the last one. */
export type History = ReadonlyMap<string, readonly boolean[]>;

/** The figure that a limit is about. */
function figureOf({ what }: Limit, { memory, cpu }: Sample, machine: number): number | undefined {
  if (what === 'memory') return memory;
  if (what === 'cpu') return cpu;
  // Circus's: the mean of the two shares.
  return cpu === undefined ? undefined : (cpu + (memory / machine) * 100) / 2;
}

/** True for a sample that breaks the limit; `machine` is the memory of the machine in bytes. */
export function breaks(limit: Limit, sample: Sample, machine: number): boolean {
  const figure = figureOf(limit, sample, machine);
  if (figure === undefined) return false;
  return limit.side === 'over' ? figure > limit.value : figure <= limit.value;
}

/** The history with one more sample. */
export function withSample(
  history: History,
  sample: Sample,
  limits: readonly Limit[],
  rule: Rule,
  machine: number,
): History {
  return new Map(
    limits.map((limit) => {
      const known = history.get(limit.key) ?? [];
      return [limit.key, [...known, breaks(limit, sample, machine)].slice(-rule.of)];
    }),
  );
}

/** How many of the last samples broke a limit. */
export const broken = (history: History, { key }: Limit): number => (history.get(key) ?? []).filter(Boolean).length;

/** The first limit that was broken often enough, and just now. */
export const exceeded = (history: History, limits: readonly Limit[], { need }: Rule): Limit | undefined =>
  limits.find((limit) => history.get(limit.key)?.at(-1) === true && broken(history, limit) >= need);

/** A number of bytes for people: `512M`, `1.5G`. */
export function inBytes(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(4, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${value >= 100 ? Math.round(value) : Number(value.toFixed(1))}${['B', 'K', 'M', 'G', 'T'][power]}`;
}

const inPercent = (value: number) => `${Number(value.toFixed(1))}%`;

/** What a sample has of what a limit is about, as words: `uses 612M of memory`. */
export function inWords(limit: Limit, sample: Sample, machine: number): string {
  const figure = figureOf(limit, sample, machine) ?? 0;
  if (limit.what === 'memory') return `uses ${inBytes(figure)} of memory`;
  return limit.what === 'cpu'
    ? `uses ${inPercent(figure)} of a processor`
    : `averages ${inPercent(figure)} of processor and memory`;
}

/** The limit itself, as words: `more than 500M`. */
export const limitInWords = ({ what, side, value }: Limit): string =>
  `${side === 'over' ? 'more than' : 'not more than'} ${what === 'memory' ? inBytes(value) : inPercent(value)}`;
