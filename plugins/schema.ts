/** Fields for plugin options and command properties: valibot schemas that also take the text of an INI file. */
import { toJsonSchema, type ConversionConfig } from '@valibot/to-json-schema';
import * as v from 'valibot';
import type { OptionsSchema } from '#core';
import type { Flaw } from './flaw.js';
import { didYouMean } from './nearest.js';
import { truthOf } from './truth.js';
import { readSeconds } from './units.js';

/** What a JSON Schema can't say: it is left out there, and checked all the same. */
const unsaid = ['trim', 'to_lower_case', 'check', 'raw_check', 'finite', 'min_value', 'max_value'];

/** A valibot schema as Standard Schema and Standard JSON Schema. */
export function standard<S extends v.GenericSchema>(schema: S): OptionsSchema<v.InferOutput<S>> {
  const { version, vendor, validate } = schema['~standard'];
  const input = ({ target }: { readonly target: string }) =>
    toJsonSchema(schema, {
      typeMode: 'input',
      ignoreActions: unsaid,
      target: target as NonNullable<ConversionConfig['target']>,
    }) as Record<string, unknown>;
  return { '~standard': { version, vendor, validate, jsonSchema: { input } } };
}

const text = v.pipe(v.string(), v.trim());

/** A message for a union and, as its own would never be seen behind theirs, for the checks in it. */
const isNot = (what: string) => (issue: { readonly input: unknown }) => `${show(issue.input)} is not ${what}`;

/** A decimal integer, also as text. */
export const integer = (message = isNot('a whole number')) =>
  v.union(
    [v.pipe(v.number(), v.integer(message)), v.pipe(text, v.regex(/^[+-]?\d+$/, message), v.transform(Number))],
    message,
  );

/** A decimal number, also as text. */
export const number = (message = isNot('a number')) =>
  v.union(
    [
      v.pipe(v.number(), v.finite(message)),
      v.pipe(text, v.regex(/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/, message), v.transform(Number)),
    ],
    message,
  );

const isTime = isNot('a number of seconds');

/** A number of seconds, not negative, or a text with units such as `1h30m`; the output is milliseconds. */
export const seconds = (about: string) =>
  v.pipe(
    v.union(
      [v.pipe(v.number(), v.finite(isTime)), v.pipe(v.string(), v.transform(readSeconds), v.number(isTime))],
      isTime,
    ),
    v.description(about),
    v.minValue(0, (issue) => `${show(issue.input)} is less than no time`),
    v.transform((value) => value * 1000),
  );

/** A boolean, also as one of Circus's words: yes, true, on, 1; no, false, off, 0. */
export const boolean = (message = isNot('true or false')) =>
  v.union(
    [
      v.boolean(),
      v.pipe(
        text,
        v.check((word) => truthOf(word) !== undefined, message),
        v.transform((word) => truthOf(word)!),
      ),
    ],
    message,
  );

/** What is wrong with the options of a watcher that begin with `prefix`, by the fields that may follow it. */
export function prefixedFlaws(
  prefix: string,
  fields: Readonly<Record<string, v.GenericSchema>>,
  options: Readonly<Record<string, unknown>>,
): readonly Flaw[] {
  const known = Object.keys(fields).map((name) => prefix + name);
  return Object.entries(options).flatMap(([key, value]): readonly Flaw[] => {
    if (!key.startsWith(prefix)) return [];
    if (!known.includes(key)) return [{ key, message: `is no option${didYouMean(key, known)}` }];
    const [issue] = v.safeParse(fields[key.slice(prefix.length)]!, value).issues ?? [];
    if (!issue) return [];
    return [{ key, message: /^must /.test(issue.message) ? issue.message : `has a wrong value: ${issue.message}` }];
  });
}

function show(input: unknown): string {
  return typeof input === 'string' ? `"${input}"` : (JSON.stringify(input) ?? 'nothing');
}
