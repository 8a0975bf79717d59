/** How old a process may get, as a pure function of its watcher's options. */

/** In ms: the least age, and what may be added to it at random. */
export interface Ages {
  readonly age: number;
  readonly variance: number;
}

/** Circus's, in seconds. */
const defaults = { max_age: 0, max_age_variance: 30 };

/** Seconds of an option that is not set, a number, or its digits, as ms. @throws Error, whose message goes on after the key's name */
function milliseconds(options: Readonly<Record<string, unknown>>, key: keyof typeof defaults): number {
  const given = options[key] ?? defaults[key];
  const value = typeof given === 'string' && given.trim() !== '' ? Number(given) : given;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0)
    throw new Error(`"${key}" must be a whole number of seconds, and is ${JSON.stringify(given)}`);
  return value * 1000;
}

/** The ages of a watcher; undefined where processes may get as old as they like. @throws Error that names the key */
export function agesOf(options: Readonly<Record<string, unknown>>): Ages | undefined {
  const age = milliseconds(options, 'max_age');
  const variance = milliseconds(options, 'max_age_variance');
  return age === 0 ? undefined : { age, variance };
}

/** How long a process of this age (ms) may still live; `share`, from 0 to 1, is its own part of the variance. */
export function timeLeft({ age, variance }: Ages, share: number, lived: number): number {
  return Math.max(0, age + share * variance - lived);
}
