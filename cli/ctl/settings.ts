/** The options of `set`: from names and texts in turn to names and values. */
import { processesOf } from '#plugins/cpus.js';
import { convert, type OptionType } from '../config/convert.js';
import { didYouMean } from '../config/problem.js';
import { watcherRows } from '../config/schema-watcher.js';
import { exitCodes, Failure } from './failure.js';

const fail = (message: string) => new Failure(exitCodes.failed, message);

/** Where the wire differs from the files, or knows more. */
const types = new Map<string, OptionType>([
  // As it is written in a file, so that it can be written there again.
  ...watcherRows.map(([key, type]) => [key, type === 'entries' ? 'text' : type] as const),
  ['numprocesses', 'int'],
  ['retry_in', 'seconds'],
  ['args', 'text'],
]);
const streamNumbers = /^(stdout|stderr)_stream\.(max_bytes|backup_count)$/;

/** Names and values from words in turn. @throws Failure */
export function readPairs(words: readonly string[]): Readonly<Record<string, unknown>> {
  if (words.length < 2) throw fail('Invalid number of arguments');
  if (words.length % 2 === 1) throw fail('List of key/values is invalid');
  const pairs: [string, unknown][] = [];
  for (let at = 0; at < words.length; at += 2) {
    const key = words[at]!.toLowerCase();
    pairs.push([key, readValue(key, words[at + 1]!)]);
  }
  return Object.fromEntries(pairs);
}

function readValue(key: string, text: string): unknown {
  if (key === 'env') return readEntries(key, text, '=', /,(?=[^,=]+=)/);
  if (key === 'hooks') return readEntries(key, text, ':', ',');
  const type = typeOf(key);
  if (type === undefined) throw fail(`unknown key '${key}'${didYouMean(key, types.keys())}`);
  // The machine that counts is the daemon's.
  if (key === 'numprocesses' && processesOf(text) !== undefined) return text.trim();
  const conversion = convert(type, text);
  if ('wrong' in conversion) throw fail(`'${key}' ${conversion.wrong}`);
  return conversion.value;
}

function typeOf(key: string): OptionType | undefined {
  if (streamNumbers.test(key)) return 'int';
  const prefix = /^(rlimit_|[^.]+\.)./.exec(key)?.[1];
  return types.get(key) ?? (prefix === undefined ? undefined : types.get(`${prefix}*`));
}

/** An object from `A=1,B=2`; nothing is an empty one. */
function readEntries(key: string, text: string, sign: string, comma: string | RegExp): Record<string, string> {
  if (text.trim() === '') return {};
  const entries = text.split(comma).map((entry): [string, string] => {
    const at = entry.indexOf(sign);
    if (at < 1) throw fail(`'${key}' must be of the form NAME${sign}VALUE,NAME${sign}VALUE, and is "${text}"`);
    return [entry.slice(0, at).trim(), entry.slice(at + 1)];
  });
  return Object.fromEntries(entries);
}
