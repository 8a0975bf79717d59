/** From the text of an option to its value; what cannot be converted is told in words. */
import { groupOf, namesIn, userOf } from '#plugins/accounts.js';
import { processesOf } from '#plugins/cpus.js';
import { withFlag } from '#plugins/hooks/flag.js';
import { didYouMean } from '#plugins/nearest.js';
import { nearestSignal, signalNumber } from '#plugins/signal.js';
import { readStopSteps } from '#plugins/stop-steps.js';
import { truthOf } from '#plugins/truth.js';
import { readSize, readTime } from '#plugins/units.js';
import { byCodePoint } from './text.js';

/** A value, or the rest of a sentence that begins with the option's name: `must be a whole number, and "x" is none`. */
export type Conversion =
  | {
      readonly value: unknown;
      /** The plain text of a value that was written with units. */
      readonly text?: string;
    }
  | { readonly wrong: string };

/** How each type of option is converted; the keys are the types that the schema uses. */
export const converters = {
  /** Any text. */
  text: (text) => ({ value: text }),
  /** Paths, relative to the file that says them. */
  path: (text) => ({ value: text }),
  /** The value of a variable of the environment. */
  variable: (text) => ({ value: text }),
  /** Text that is accepted, as old configurations hold it, and does nothing. */
  unused: (text) => ({ value: text }),
  /** Names between commas or blanks, as an array. */
  list: (text) => ({ value: text.split(/[\s,]+/).filter((name) => name !== '') }),
  /** Entries of several words, between commas or in lines, as an array. */
  entries: (text) => ({
    value: text
      .split(/[,\n]/)
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ''),
  }),
  /** Names in lower case, in which socket names are kept. */
  sockets: (text) => ({
    value: text
      .toLowerCase()
      .split(/[\s,]+/)
      .filter((name) => name !== ''),
  }),
  socket: (text) => ({ value: text.trim().toLowerCase() }),
  /** `callable` or `callable, bool`. */
  hook: (text) => {
    const [, written = 'false'] = withFlag(text);
    const flag = truth(written);
    return 'wrong' in flag ? { wrong: `after the comma ${flag.wrong}` } : { value: text };
  },
  int: (text) => whole(text, -Infinity),
  count: (text) => whole(text, 0),
  retries: (text) => whole(text, -1),
  port: (text) => {
    const port = whole(text, 0);
    return 'value' in port && Number(port.value) > 65535
      ? { wrong: `must be at most 65535, and is ${text.trim()}` }
      : port;
  },
  /** Seconds, as a number or a time such as `1h30m`. */
  seconds: (text) => inUnits(readTime(text)) ?? number(text, 0, 'a number of seconds, or a time such as 1h30m'),
  /** The same where less than no time has a meaning. */
  period: (text) => inUnits(readTime(text)) ?? number(text, -Infinity, 'a number of seconds, or a time such as 1h30m'),
  /** Whole seconds, as a number or a time. */
  age,
  /** Bytes, as a number or a size such as `512M`. */
  size: (text) => inUnits(readSize(text)) ?? whole(text, 0, 'a whole number of bytes, or a size such as 512M'),
  bool: truth,
  /** A number of processes: a whole number, or one that follows the machine: `cpus`, `cpus-1`; at least 1 then. */
  processes: (text) => {
    const value = processesOf(text);
    if (value !== undefined) return { value };
    return whole(text, 0, 'a whole number, "cpus" or "cpus-1"');
  },
  /** A signal's number; names with or without SIG, in any case, also `SIGRTMIN+1`; like Circus it ignores what follows. */
  signal: (text) => {
    const wrong = `must be a signal such as SIGTERM, TERM or 15, and is ${JSON.stringify(text)}${nearestSignal(text)}`;
    const value = signalNumber(/^\s*(\w+(?:[+-]\d+)?)/.exec(text)?.[1]) ?? NaN;
    return value >= 1 && value <= 64 ? { value } : { wrong };
  },
  /** Signals with their seconds, as a list of texts. */
  steps: (text) => {
    try {
      return { value: readStopSteps(text) };
    } catch (error) {
      return { wrong: (error as Error).message };
    }
  },
  /** A file mask in octal digits, as a number. */
  octal: (text) => {
    const digits = /^(?:0o)?([0-7]{1,4})$/i.exec(text.trim())?.[1];
    const value = parseInt(digits ?? '', 8);
    if (value <= 0o777) return { value };
    return { wrong: `must be octal digits from 0 to 777 such as 022, and is ${JSON.stringify(text)}` };
  },
  /** A resource limit, or a soft and a hard one with a colon between. */
  limit: (text) =>
    limits(
      text,
      (part) => inUnits(readSize(part)) ?? whole(part, 0, 'a whole number, a size such as 512M or unlimited'),
    ),
  /** The limit of processor time. */
  cpulimit: (text) => limits(text, age),
  /** A user or a group of this machine by name or number, as its id. */
  user: (text) => account('user', text.trim(), (id) => userOf(id)?.uid ?? (/^\d+$/.test(id) ? Number(id) : undefined)),
  group: (text) => account('group', text.trim(), groupOf),
  /** What variables may look like: only as in Circus, or as in a shell too. */
  expansion: (text) => {
    const value = text.trim().toLowerCase();
    if (value === 'circus' || value === 'shell') return { value };
    return { wrong: `must be circus or shell, and is ${JSON.stringify(text)}` };
  },
  /** Whose addresses are used where none is said. */
  endpoints: (text) => {
    const value = text.trim().toLowerCase();
    if (value === 'circus' || value === 'unix') return { value };
    return { wrong: `must be circus or unix, and is ${JSON.stringify(text)}` };
  },
  /** Where a plugin runs that does not run in the daemon. */
  isolation: (text) => {
    const value = text.trim().toLowerCase();
    return value === 'process' ? { value, text: value } : { wrong: `must be process, and is ${JSON.stringify(text)}` };
  },
  family: (text) => oneOf(text, ['AF_INET', 'AF_INET6', 'AF_UNIX']),
  sockettype: (text) => oneOf(text, ['SOCK_STREAM', 'SOCK_DGRAM', 'SOCK_RAW', 'SOCK_RDM', 'SOCK_SEQPACKET']),
} as const satisfies Record<string, (text: string) => Conversion>;

/** The name of a type of option. */
export type OptionType = keyof typeof converters;

/** Converts the text of an option of this type. */
export function convert(type: OptionType, text: string): Conversion {
  return converters[type](text);
}

function truth(text: string): Conversion {
  const value = truthOf(text);
  return value === undefined
    ? { wrong: `must be true or false (also yes, no, on, off, 1 or 0), and is ${JSON.stringify(text)}` }
    : { value };
}

function age(text: string): Conversion {
  const time = readTime(text);
  if (time !== undefined && !Number.isInteger(time)) return { wrong: `must be whole seconds, and is ${time}` };
  return inUnits(time) ?? whole(text, 0, 'a whole number of seconds, or a time such as 1h30m');
}

/** Limits with the units of `one`; nothing at all, -1 and the like mean unlimited (null), as in Circus. */
function limits(text: string, one: (part: string) => Conversion): Conversion {
  const parts = text.split(':').map((part) => (isUnlimited.test(part.trim()) ? { value: null } : one(part)));
  const wrong = parts.find((part) => 'wrong' in part);
  if (wrong) return wrong;
  if (parts.length === 1) return parts[0]!;
  const words = (parts as readonly { value: unknown }[]).map(({ value }) =>
    value === null ? 'unlimited' : Number(value),
  );
  return { value: words.join(':'), text: words.join(':') };
}

const isUnlimited = /^(?:|-1|unlimited|(?:rlim_)?infinity)$/i;

/** The largest id; the one above it means "leave as it is" to the system. */
const lastId = 2 ** 32 - 2;

function account(what: 'user' | 'group', name: string, idOf: (name: string) => number | undefined): Conversion {
  const value = idOf(name);
  if (value !== undefined && value <= lastId) return { value };
  const hint = didYouMean(name, namesIn(what === 'user' ? 'passwd' : 'group'));
  return { wrong: `must be a ${what} of this machine, and is ${JSON.stringify(name)}${hint}` };
}

/** Python's `int()`, without its other scripts' digits. */
function whole(text: string, least: number, what = 'a whole number'): Conversion {
  if (!/^[+-]?\d+(_\d+)*$/.test(text.trim())) return { wrong: `must be ${what}, and is ${JSON.stringify(text)}` };
  return bounded(Number(text.replaceAll('_', '')), least);
}

/** Python's `float()`, without infinity and NaN: nothing here can wait that long. */
function number(text: string, least: number, what: string): Conversion {
  const plain = text.trim().replace(/(\d)_(?=\d)/g, '$1');
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain))
    return { wrong: `must be ${what}, and is ${JSON.stringify(text)}` };
  return bounded(Number(plain), least);
}

function inUnits(value: number | undefined): Conversion | undefined {
  if (value === undefined) return undefined;
  const conversion = bounded(value, 0);
  return 'wrong' in conversion ? conversion : { ...conversion, text: String(value) };
}

function bounded(value: number, least: number): Conversion {
  if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) return { wrong: 'is too large a number' };
  return value < least ? { wrong: `must be at least ${least}, and is ${value}` } : { value: value + 0 };
}

function oneOf(text: string, names: readonly string[]): Conversion {
  const value = text.trim().toUpperCase();
  if (names.includes(value)) return { value };
  return { wrong: `must be one of ${[...names].sort(byCodePoint).join(', ')}, and is ${JSON.stringify(text)}` };
}
