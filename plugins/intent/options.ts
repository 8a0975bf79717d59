/** The options of intent, and what they are by default. */
import * as v from 'valibot';
import { seconds, standard } from '../schema.js';

/** As Standard Schema and Standard JSON Schema; times come out in ms. */
export const optionsSchema = standard(
  v.strictObject({
    state_dir: v.optional(
      v.pipe(
        v.string(),
        v.trim(),
        v.minLength(1, 'it is empty'),
        v.description('The folder below which each configuration has one of its own; from that of the file.'),
      ),
    ),
    stable_after: v.optional(
      seconds('How long a complete set of processes must have been ready for its spec to be good, in seconds.'),
      10,
    ),
  }),
);
