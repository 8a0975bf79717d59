/** The options of flapping, and what contradicts itself in them. */
import { signalName, type WatcherSpec } from '#core';
import * as v from 'valibot';
import { readEndings } from '../exit-codes.js';
import type { Flaw } from '../flaw.js';
import { didYouMean } from '../nearest.js';
import { boolean, integer, number, prefixedFlaws, seconds, standard } from '../schema.js';

const optional = <S extends v.GenericSchema>(schema: S, about: string) =>
  v.optional(v.pipe(schema, v.description(about)));
const atLeast = (least: number) => v.pipe(integer(), v.minValue(least, `it is at least ${least}`));
const between = (least: number, most: number) =>
  v.pipe(number(), v.minValue(least, `it is at least ${least}`), v.maxValue(most, `it is at most ${most}`));
const someTime = (about: string) => v.optional(v.pipe(seconds(about), v.minValue(1, 'it is more than no time')));
const oneOf = <const Names extends readonly [string, string]>(names: Names, about: string) =>
  v.optional(
    v.pipe(
      v.string(),
      v.trim(),
      v.toLowerCase(),
      v.description(about),
      v.picklist(names, ({ input }) => {
        const text = String(input);
        return `"${text}" is neither ${names.join(' nor ')}${didYouMean(text, names)}`;
      }),
    ),
  );

/** What a watcher may have as `flapping.NAME`; defaults that depend on the policy are not here. */
const own = {
  policy: oneOf(['circus', 'backoff'], "How pauses are made: all the same, as Circus's, or growing ones."),
  attempts: v.optional(v.pipe(atLeast(1), v.description('From so many ends in a row on there are pauses.')), 2),
  window: v.optional(seconds('The time within which ends are a row, in seconds of running time.')),
  stable: someTime('What lives so many seconds has recovered.'),
  retry_in: v.optional(seconds('Seconds to wait before the next attempt; with growing pauses, the first of them.'), 7),
  backoff: optional(between(1, 100), 'Each pause is so many times the one before it.'),
  retry_max: someTime('The longest pause, in seconds.'),
  jitter: optional(between(0, 1), 'Up to this part of a pause is taken off, by chance.'),
  max_retry: v.optional(v.pipe(atLeast(-1), v.description('Pauses in a row before it ends; -1: it never does.')), 5),
  // oxlint-disable-next-line unicorn/no-thenable -- the word of the file; it is a text, and nobody awaits it
  then: oneOf(['retry_later', 'give_up'], 'What comes then: one attempt now and then, or no more.'),
  retry_later: someTime('The seconds between two attempts then.'),
  active: v.optional(
    v.pipe(boolean(), v.description('Whether it judges; false for one watcher spares that one.')),
    true,
  ),
};

/** What only the section may say, as it is about all watchers. */
const general = {
  only_asked: v.optional(
    v.pipe(boolean(), v.description('Whether it judges only watchers that have options of their own.')),
    false,
  ),
  restarts_per_second: v.optional(
    v.pipe(atLeast(0), v.description('How many processes are restarted in a second, of all watchers; 0: no limit.')),
    50,
  ),
};

/** The options as they come out of the validator: times in ms, and what is not written undefined, or the default. */
export type Options = v.InferOutput<typeof options>;

/** A watcher's options that are not `flapping.NAME`. */
const codeLists = ['success_exit_codes', 'no_restart_exit_codes'] as const;
const prefix = 'flapping.';

/** Options that Circus does not have: who writes one of them means growing pauses. */
const beyondCircus = ['stable', 'backoff', 'retry_max', 'jitter', 'then', 'retry_later'] as const;

const inSeconds = (ms: number) => `${ms / 1000} s`;

/** What contradicts itself, with sentences that go on after the option's name; `under` are options that these go over. */
function contradictions(written: Partial<Options>, under: Partial<Options> = {}): readonly Flaw[] {
  const { policy, window, stable, max_retry, then, retry_later } = written;
  const { retry_in = 7000, retry_max = Infinity } = { ...under, ...written };
  const flaws: Flaw[] = [];
  const tell = (applies: boolean, key: string, message: string) => applies && flaws.push({ key, message });
  const low = retry_max < retry_in;
  const isCeiling = written.retry_max !== undefined;
  tell(low && isCeiling, 'retry_max', `is below retry_in, which is ${inSeconds(retry_in)}`);
  tell(
    low && !isCeiling && written.retry_in !== undefined,
    'retry_in',
    `is above retry_max, which is ${inSeconds(retry_max)}`,
  );
  for (const key of beyondCircus)
    tell(policy === 'circus' && written[key] !== undefined, key, 'has no effect with policy = circus');
  tell(stable !== undefined && window !== undefined, 'window', 'has no effect beside stable, which goes before it');
  tell(then === 'give_up' && retry_later !== undefined, 'retry_later', 'has no effect with then = give_up');
  for (const key of ['then', 'retry_later'] as const)
    tell(
      max_retry === -1 && written[key] !== undefined,
      key,
      'has no effect with max_retry = -1, after which nothing comes',
    );
  return flaws;
}

const options = v.pipe(
  v.strictObject({ ...own, ...general }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const input = dataset.value as Record<string, unknown>;
    for (const { key, message } of contradictions(dataset.value)) {
      const path = [{ type: 'object' as const, origin: 'value' as const, input, key, value: input[key] }] as const;
      addIssue({ message: `it ${message}`, path: [...path] });
    }
  }),
);

/** The options as Standard Schema and Standard JSON Schema; times come out in ms. */
export const optionsSchema = standard(options);

/** The options of the section as the validator has them; none where it refuses them. */
export function readSection(section: Readonly<Record<string, unknown>>): Partial<Options> {
  const read = v.safeParse(options, section);
  return read.success ? read.output : {};
}

/** True where anything is said that Circus does not have: by these options, or by the watcher's lists of codes. */
export const asksForMore = (written: Partial<Options>, { options: given }: Pick<WatcherSpec, 'options'>): boolean =>
  beyondCircus.some((key) => written[key] !== undefined) || codeLists.some((key) => given[key] !== undefined);

/** True for a watcher that says something about its restarts itself. */
export const asks = ({ options }: Pick<WatcherSpec, 'options'>): boolean =>
  Object.keys(options).some((key) => key.startsWith(prefix) || (codeLists as readonly string[]).includes(key));

/** What a watcher writes itself, as the validator has it; without what that refuses. */
export function readOwn({ options: given }: Pick<WatcherSpec, 'options'>): Partial<Options> {
  const written: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(own)) {
    const value = given[prefix + name];
    const read = value === undefined ? undefined : v.safeParse(field, value);
    if (read?.success) written[name] = read.output;
  }
  return written;
}

/** What is wrong with a watcher's own options, which go over those of the section. */
export function flawsIn(spec: WatcherSpec, section: Partial<Options> = {}): readonly Flaw[] {
  const { options: given, respawn } = spec;
  return [
    ...prefixedFlaws(prefix, own, given).map(withPlace),
    ...contradictions(readOwn(spec), section).map(({ key, message }) => ({ key: prefix + key, message })),
    ...codeFlaws(given, respawn),
  ];
}

/** What is about all watchers is told as that. */
function withPlace(flaw: Flaw): Flaw {
  const name = flaw.key.slice(prefix.length);
  if (!Object.hasOwn(general, name)) return flaw;
  return { ...flaw, message: 'is about all watchers: write it into [plugin:flapping]' };
}

function codeFlaws(given: WatcherSpec['options'], respawn: boolean): readonly Flaw[] {
  const flaws: Flaw[] = [];
  const [success, last] = codeLists.map((key) => {
    try {
      return readEndings(given[key]);
    } catch (error) {
      flaws.push({ key, message: (error as Error).message });
      return undefined;
    }
  });
  const [, key] = codeLists;
  if (success && last) {
    const both = [...last.codes].filter((code) => success.codes.has(code)).map(String);
    const signals = [...last.signals]
      .filter((signal) => success.signals.has(signal))
      .map((signal) => signalName(signal) ?? String(signal));
    const all = [...both, ...signals].join(', ');
    if (all !== '') flaws.push({ key, message: `has ${all}, which success_exit_codes has too` });
  }
  if (given[key] !== undefined && !respawn)
    flaws.push({ key, message: 'has no effect with respawn = False: nothing is restarted', likely: true });
  return flaws;
}
