/** The options of flapping, and what they are by default. */
import * as v from 'valibot';
import type { Flaw } from '../flaw.js';
import { boolean, integer, prefixedFlaws, seconds, standard } from '../schema.js';

const atLeast = (least: number, what: string) => v.pipe(integer(), v.minValue(least, `${what} is at least ${least}`));

/** Circus's options of the plugin, with Circus's defaults; a watcher's own are `flapping.NAME`. */
const fields = {
  attempts: v.optional(v.pipe(atLeast(1, 'it'), v.description('So many ends within the window are flapping.')), 2),
  window: v.optional(seconds('The window, in seconds of running time.'), 1),
  retry_in: v.optional(seconds('Seconds to wait before the next attempt.'), 7),
  max_retry: v.optional(v.pipe(atLeast(-1, 'it'), v.description('Pauses before giving up; -1: never give up.')), 5),
  active: v.optional(
    v.pipe(boolean(), v.description('Whether it judges; false for one watcher spares that one.')),
    true,
  ),
};

const options = v.strictObject(fields);

/** The options as Standard Schema and Standard JSON Schema; times come out in ms. */
export const optionsSchema = standard(options);

/** What is wrong with a watcher's own options. */
export const flawsIn = (given: Readonly<Record<string, unknown>>): readonly Flaw[] =>
  prefixedFlaws('flapping.', fields, given);
