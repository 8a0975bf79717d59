/** What clients may set: the keys, and what their values must be (circus-compat §3.7). */
import { reasonOf } from '#core';
import { processesOf } from '../cpus.js';
import { readStopSteps } from '../stop-steps.js';
import { RequestError } from './protocol.js';

/** Names of options to values. */
export type Spec = Readonly<Record<string, unknown>>;

/** Options that are whole numbers. */
export const integers = new Set(['numprocesses', 'max_retry', 'max_age', 'max_age_variance', 'stop_signal']);
/** Options that are numbers. */
export const numbers = new Set(['warmup_delay', 'retry_in', 'graceful_timeout']);
const booleans = new Set([
  'send_hup',
  'shell',
  'copy_env',
  'respawn',
  'singleton',
  'stop_children',
  'close_child_stdin',
  'close_child_stdout',
  'close_child_stderr',
  'die_with_daemon',
]);
/** A plugin's key that Circus has too, and lets nobody set: whose clients would start it is for the file to say. */
const fixed = 'on_demand';
const streamKey = /^std(out|err)_stream\./;
const rlimits = new Set([
  'as',
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
]);
const hookNames = new Set([
  'before_start',
  'after_start',
  'before_spawn',
  'after_spawn',
  'before_stop',
  'after_stop',
  'before_signal',
  'after_signal',
  'before_reap',
  'after_reap',
  'extended_stats',
]);

/** More processes than any machine bears: a slip of the finger, or an attack. */
export const mostProcesses = 100_000;
/** The highest signal of Linux. */
export const lastSignal = 64;
/** The id above it means "leave as it is" to the system. */
const lastId = 2 ** 32 - 2;

const isInteger = (value: unknown) => Number.isInteger(value) || typeof value === 'boolean';
/** True for what JSON calls an object. */
export const isObject = (value: unknown): value is Spec =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
/** True for a whole number, also as digits; an empty text or `false` would count as 0, which is root. */
export const isId = (value: unknown): value is number | string =>
  typeof value === 'string' ? /^\d+$/.test(value) : Number.isInteger(value);
const python = (value: unknown) =>
  JSON.stringify(value).replaceAll('"', "'").replaceAll("':", "': ").replaceAll(',', ', ');

/** Why a text can't be given to the system. */
function textObjection(key: string, value: unknown): string | undefined {
  if (typeof value !== 'string') return `'${key}' isn't a string`;
  if (value.includes('\0')) return `'${key}' has a NUL character in it`;
  return value.trim() === '' ? `'${key}' is empty` : undefined;
}

function integerObjection(key: string, value: unknown): string | undefined {
  if (!isInteger(value)) return `'${key}' isn't an integer`;
  const number = Number(value);
  if (key === 'stop_signal' && (number < 1 || number > lastSignal))
    return `'stop_signal' isn't a signal: they are 1 to ${lastSignal}`;
  return key === 'numprocesses' && number > mostProcesses ? `'numprocesses' is more than ${mostProcesses}` : undefined;
}

function idObjection(key: string, value: unknown): string | undefined {
  if (isId(value))
    return Number(value) < 0 || Number(value) > lastId ? `'${key}' isn't between 0 and ${lastId}` : undefined;
  return typeof value === 'string' ? textObjection(key, value) : `'${key}' isn't an integer or string`;
}

function argsObjection(value: unknown): string | undefined {
  const words: readonly unknown[] = Array.isArray(value) ? value : value === null ? [] : [value];
  if (!words.every((word) => typeof word === 'string')) return `'args' isn't a string or a list of strings`;
  return words.some((word) => word.includes('\0')) ? `'args' has a NUL character in it` : undefined;
}

/** The steps of a stop, from a text or a list. @throws Error with a sentence that goes on after the option's name */
export function stopSteps(value: unknown): readonly string[] {
  const text = Array.isArray(value) ? value.join(', ') : (value ?? '');
  if (typeof text !== 'string') throw new Error('is neither a text nor a list of texts');
  return readStopSteps(text);
}

function stepsObjection(value: unknown): string | undefined {
  try {
    stopSteps(value);
    return undefined;
  } catch (error) {
    return `'stop_steps' ${reasonOf(error)}`;
  }
}

function envObjection(value: unknown): string | undefined {
  if (!isObject(value)) return `'env' isn't a valid object`;
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== 'string') return `'${name}' isn't a string`;
    if (text.includes('\0')) return `'${name}' has a NUL character in it`;
    if (name === '' || /[=\p{Cc}]/u.test(name)) return `${python(name)} can't be the name of a variable`;
  }
  return undefined;
}

function hooksObjection(value: unknown): string | undefined {
  if (!isObject(value)) return `${python(value)} isn't a valid hook dict`;
  return Object.keys(value).every((hook) => hookNames.has(hook)) ? undefined : `Unknown hook ${python(value)}`;
}

function streamObjection(key: string, value: unknown): string | undefined {
  if (!isObject(value)) return `'${key}' isn't a valid object`;
  return 'class' in value ? undefined : `'${key}' must have a 'class' key`;
}

function rlimitObjection(key: string, value: unknown): string | undefined {
  if (!rlimits.has(key.slice(7).toLowerCase())) return `'${key}' isn't a valid rlimit setting`;
  return value === null || isInteger(value) ? undefined : `${python(value)} rlimit value isn't a valid int`;
}

const special: Readonly<Record<string, (key: string, value: unknown) => string | undefined>> = {
  cmd: textObjection,
  working_dir: textObjection,
  args: (_, value) => argsObjection(value),
  stop_steps: (_, value) => stepsObjection(value),
  env: (_, value) => envObjection(value),
  hooks: (_, value) => hooksObjection(value),
  uid: idObjection,
  gid: idObjection,
  stdout_stream: streamObjection,
  stderr_stream: streamObjection,
};

/** True for an option that a plugin carries out. */
type IsPlugins = (key: string) => boolean;

/** True for an option that Circus's clients may set too. */
export const isCircus = (key: string): boolean =>
  integers.has(key) ||
  numbers.has(key) ||
  booleans.has(key) ||
  Object.hasOwn(special, key) ||
  /^(rlimit_|hooks\.)/.test(key) ||
  streamKey.test(key);

/** Why a key or value can't be set, where Circus has words for it in them; undefined when it can. */
function objection(key: string, value: unknown, isPlugins: IsPlugins): string | undefined {
  if (integers.has(key)) return integerObjection(key, value);
  if (numbers.has(key))
    return Number.isFinite(value) || typeof value === 'boolean' ? undefined : `'${key}' isn't a number`;
  if (booleans.has(key)) return typeof value === 'boolean' ? undefined : `'${key}' isn't a valid boolean`;
  if (Object.hasOwn(special, key)) return special[key]!(key, value);
  if (key.startsWith('rlimit_')) return rlimitObjection(key, value);
  return streamKey.test(key) || (isPlugins(key) && key !== fixed) ? undefined : `unknown key '${key}'`;
}

/** Checks the `options` of `add` and `set`; what they say of keys of plugins is for these to judge. @throws RequestError */
export function checkOptions(given: unknown, isPlugins: IsPlugins): Spec {
  if (!isObject(given)) throw new RequestError(3, "'options' property should be an object");
  const { numprocesses } = given;
  // Of the daemon's machine, not of the client's.
  const cpus = typeof numprocesses === 'string' ? processesOf(numprocesses) : undefined;
  const options = cpus === undefined ? given : { ...given, numprocesses: cpus };
  for (const [key, value] of Object.entries(options)) {
    const reason = objection(key, value, isPlugins);
    if (reason !== undefined) throw new RequestError(3, reason);
  }
  return options;
}
