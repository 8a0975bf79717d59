/** What is asked for: by a section, in Circus's words, and by the keys `resources.*` of watchers. */
import { totalmem } from 'node:os';
import * as v from 'valibot';
import { reasonOf, type OptionsSchema, type WatcherSpec } from '#core';
import { objectionTo, readCommand } from '../exec.js';
import type { Flaw } from '../flaw.js';
import { mustBe } from '../must-be.js';
import { boolean, integer, number, prefixedFlaws, seconds, standard } from '../schema.js';
import { signalNumber } from '../signal.js';
import { readSize } from '../units.js';
import type { Limit, Rule } from './limits.js';

/** How the processes of one watcher are looked after; times in ms. */
export interface Settings {
  readonly limits: readonly Limit[];
  readonly rule: Rule;
  readonly interval: number;
  /** After a replacement that failed nothing is replaced for so long. */
  readonly pause: number;
  /** What counts for a process: all of its tree, or as in Circus the process alone. */
  readonly scope: 'tree' | 'process';
  /** As in Circus its children are looked after too, each by itself, and get this signal. */
  readonly childSignal: number | undefined;
  /** A command to run before a process is replaced, and how long it may take. */
  readonly before: { readonly words: readonly string[]; readonly timeout: number } | undefined;
}

const machine = totalmem();
const percentOf = /^(\d+\.?\d*|\.\d+)\s*%$/;

/** The bytes of a size with a unit, or of a part of the memory of the machine such as `10%`. */
function bytesOf(text: string): number | undefined {
  const percent = percentOf.exec(text.trim())?.[1];
  return percent === undefined ? readSize(text) : (Number(percent) / 100) * machine;
}

const transformed = <T>(read: (text: string) => T, about = '') =>
  v.pipe(
    v.union([v.string(), v.number()], 'is neither a text nor a number'),
    v.description(about),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      try {
        return read(String(dataset.value).trim());
      } catch (error) {
        addIssue({ message: reasonOf(error) });
        return NEVER;
      }
    }),
  );

const least = 2 ** 20;

function readMemory(text: string): number {
  const bytes = bytesOf(text);
  if (bytes === undefined) throw mustBe('a size such as 500M, or a part of the memory such as 10%', text);
  // Less is a slip, and no program would stay below it.
  if (bytes < least) throw mustBe('at least 1M', text);
  return bytes;
}

/** Circus's: a number is percent, with a unit it is a size. */
function readCircusMemory(text: string): number {
  const bytes = /^[\d.]+$/.test(text) ? bytesOf(`${text}%`) : bytesOf(text);
  if (bytes === undefined) throw mustBe('a number of percent such as 90, or a size such as 500M', text);
  return bytes;
}

function readPercent(text: string): number {
  const value = Number(text.replace(/\s*%$/, ''));
  if (!(text !== '' && value > 0)) throw mustBe('percent of a processor, above 0 such as 90', text);
  return value;
}

const mostSamples = 1000;

function readRule(text: string): Rule {
  const [, need = '', of = need] = /^(\d+)(?:\s+of\s+(\d+))?$/i.exec(text) ?? [];
  if (need === '') throw mustBe('a number such as 3, or 3 of 5', text);
  const rule = { need: Number(need), of: Number(of) };
  if (rule.need < 1) throw mustBe('at least 1', text);
  if (rule.need > rule.of) throw mustBe(`not more than there are, as ${rule.need} of ${rule.need}`, text);
  if (rule.of > mostSamples) throw mustBe(`at most ${mostSamples} samples`, text);
  return rule;
}

function readBefore(text: string): readonly string[] {
  if (!/^exec:/.test(text)) throw mustBe('a command such as exec:./dump.sh', text);
  return readCommand(text);
}

function readSignal(text: string): number {
  const signal = signalNumber(text);
  if (signal === undefined || signal < 1 || signal > 64) throw mustBe('a signal such as 15 or SIGTERM', text);
  return signal;
}

const time = (about: string) => v.pipe(seconds(about), v.minValue(100, 'it is less than 0.1 s'));

const fields = {
  max_memory: v.optional(transformed(readMemory)),
  max_cpu: v.optional(transformed(readPercent)),
  samples: v.optional(transformed(readRule), '3 of 5'),
  interval: v.optional(time(''), 10),
  pause: v.optional(seconds(''), 60),
  before: v.optional(transformed(readBefore)),
  before_timeout: v.optional(time(''), 30),
};
const watcherSchema = v.object(fields);
const prefix = 'resources.';
/** Words for what others do: a limit that nothing may pass is the kernel's. */
const elsewhere: Readonly<Record<string, string>> = {
  max_memory_hard: 'is a limit of the system, which kills above it: write cgroup.memory_max',
  max_cpu_hard: 'is a limit of the system, which slows down above it: write cgroup.cpu_max',
};

function own({ options }: Pick<WatcherSpec, 'options'>): Readonly<Record<string, unknown>> {
  const all = Object.entries(options).filter(([key, value]) => key.startsWith(prefix) && value != null);
  return Object.fromEntries(all.map(([key, value]) => [key.slice(prefix.length), value]));
}

/** What the keys of a watcher ask for; undefined where nothing does, or where `flawsIn` tells of something. */
export function settingsOf(spec: WatcherSpec): Settings | undefined {
  const read = v.safeParse(watcherSchema, own(spec));
  if (!read.success) return undefined;
  const given = read.output;
  const limits: Limit[] = [];
  const { max_memory, max_cpu, samples, interval, pause, before, before_timeout } = given;
  if (max_memory !== undefined)
    limits.push({ key: `${prefix}max_memory`, what: 'memory', side: 'over', value: max_memory });
  if (max_cpu !== undefined) limits.push({ key: `${prefix}max_cpu`, what: 'cpu', side: 'over', value: max_cpu });
  if (limits.length === 0) return undefined;
  const command = before && { words: before, timeout: before_timeout };
  return { limits, rule: samples, interval, pause, scope: 'tree', childSignal: undefined, before: command };
}

/** What is wrong with the keys of a watcher; commands are looked for from `folder`. */
export function flawsIn(spec: WatcherSpec, folder: string): readonly Flaw[] {
  const flaws = prefixedFlaws(prefix, fields, spec.options).map((flaw) => {
    const hint = elsewhere[flaw.key.slice(prefix.length)];
    return hint === undefined ? flaw : { key: flaw.key, message: hint };
  });
  if (flaws.length > 0) return flaws;
  const given = own(spec);
  const { before } = v.parse(watcherSchema, given);
  const missing = before && objectionTo(before, folder);
  if (missing !== undefined) return [{ key: `${prefix}before`, message: missing }];
  const others = Object.keys(given).filter((name) => name !== 'max_memory' && name !== 'max_cpu');
  const message = `has nothing to be about: no limit is named, such as "${prefix}max_memory"`;
  if (others.length === Object.keys(given).length) return others.map((name) => ({ key: prefix + name, message }));
  return 'before_timeout' in given && !('before' in given)
    ? [{ key: `${prefix}before_timeout`, message: `needs a "${prefix}before"` }]
    : [];
}

const share = (about: string) => v.pipe(number(), v.minValue(0, 'it is at least 0'), v.description(about));
const memory = (about: string) => transformed(readCircusMemory, about);

const isPort = (port: number) => port >= 1 && port <= 65_535;

const sectionFields = {
  watcher: v.optional(v.pipe(v.string(), v.trim(), v.description('The watcher whose processes are looked after.'))),
  service: v.optional(v.pipe(v.string(), v.trim(), v.description('The same: an older word of Circus.'))),
  loop_rate: v.optional(time('Seconds between two looks.'), 60),
  max_cpu: v.optional(share('The most that a process may use, in percent of a processor.'), 90),
  min_cpu: v.optional(share('A process that uses no more than this is replaced too.')),
  max_mem: v.optional(memory('The most memory: percent of that of the machine, or a size.'), 90),
  min_mem: v.optional(memory('A process that uses no more than this is replaced too.')),
  health_threshold: v.optional(share('The most for the mean of both shares, in percent.'), 75),
  max_count: v.optional(
    v.pipe(integer(), v.minValue(0, 'it is at least 0'), v.description('So many looks in a row may find too much.')),
    3,
  ),
  process_children: v.optional(
    v.pipe(boolean(), v.description('Whether direct children are looked after too.')),
    false,
  ),
  child_signal: v.optional(transformed(readSignal, 'What a child that uses too much gets.'), 15),
  application_name: v.optional(v.pipe(v.string(), v.description('The name in the counters for statsd.')), 'app'),
  host: v.optional(v.pipe(v.string(), v.description('Where statsd is.')), 'localhost'),
  port: v.optional(v.pipe(integer(), v.check(isPort, 'it is no port'), v.description('The port of statsd.')), 8125),
  sample_rate: v.optional(v.pipe(number(), v.description('A rate that the counters announce.')), 1),
};

const section = v.strictObject(sectionFields);

/** Options as written in a section. */
export type SectionOptions = v.InferOutput<typeof section>;

/** The options as Standard Schema and Standard JSON Schema; where `optional`, there may be none at all. */
export function optionsSchema(optional: boolean): OptionsSchema<SectionOptions> {
  const { validate, ...rest } = standard(section)['~standard'];
  const message = 'must name the watcher whose processes are looked after';
  return {
    '~standard': {
      ...rest,
      validate(value) {
        const given = Object(value) as SectionOptions;
        const isComplete = Boolean(given.watcher ?? given.service) || (optional && Object.keys(given).length === 0);
        return isComplete ? validate(value) : { issues: [{ message, path: ['watcher'] }] };
      },
    },
  };
}

/** What a section asks for. */
export function settingsFrom(options: SectionOptions): Settings {
  const { max_cpu, min_cpu, max_mem, min_mem, health_threshold, max_count, loop_rate } = options;
  const limit = (key: string, what: Limit['what'], side: Limit['side'], value: number | undefined): Limit[] =>
    value === undefined || (side === 'over' && value === 0) ? [] : [{ key, what, side, value }];
  return {
    limits: [
      ...limit('max_cpu', 'cpu', 'over', max_cpu),
      ...limit('min_cpu', 'cpu', 'under', min_cpu),
      ...limit('max_mem', 'memory', 'over', max_mem),
      ...limit('min_mem', 'memory', 'under', min_mem),
      ...limit('health_threshold', 'health', 'over', health_threshold),
    ],
    rule: { need: max_count + 1, of: max_count + 1 },
    interval: loop_rate,
    pause: loop_rate,
    scope: 'process',
    childSignal: options.process_children ? options.child_signal : undefined,
    before: undefined,
  };
}
