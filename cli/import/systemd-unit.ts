/** Reads systemd units: sections, quoting, specifiers and spans of time. */
import { basename } from 'node:path';
import { reference } from './command.js';
import { origin, type Draft, type Entry } from './draft.js';
import { linesOf } from './files.js';

/** One setting and the section that it stands in. */
export interface UnitEntry extends Entry {
  readonly section: string;
}

/** The settings of one unit file, in its order; an empty one takes back those before it. */
export function readUnit(draft: Draft, source: string, text: string): UnitEntry[] {
  const entries: UnitEntry[] = [];
  const lines = linesOf(text);
  let section: string | undefined;
  for (let at = 0; at < lines.length; at++) {
    const from = origin(source, at + 1);
    let line = lines[at]!.trim();
    if (line === '' || /^[#;]/.test(line)) continue;
    while (line.endsWith('\\') && at + 1 < lines.length) {
      const next = lines[++at]!.trim();
      // A comment in the midst of a continued line does not end it.
      if (!/^[#;]/.test(next)) line = `${line.slice(0, -1)} ${next}`;
    }
    const header = /^\[(.+)\]$/.exec(line)?.[1];
    const equals = line.indexOf('=');
    if (header !== undefined) section = header;
    else if (equals < 1)
      draft.fail(from, `${JSON.stringify(line.slice(0, 60))} is no setting: it should be Name=value`);
    else if (section === undefined)
      draft.fail(from, `"${line.slice(0, equals)}" is not in a section, so it is skipped`);
    else entries.push({ section, key: line.slice(0, equals).trimEnd(), value: line.slice(equals + 1).trim(), ...from });
  }
  return entries;
}

/** The settings that count: of a list all since the last empty one, of anything else the last. */
export function effective(entries: readonly UnitEntry[], isList: (key: string) => boolean): UnitEntry[] {
  const kept = new Map<string, UnitEntry[]>();
  for (const entry of entries) {
    const place = `${entry.section}/${entry.key}`;
    if (entry.value === '') kept.delete(place);
    // Of these, nothing at all is a value.
    if (entry.value === '' && entry.key === 'CapabilityBoundingSet') kept.set(place, [entry]);
    if (entry.value === '') continue;
    kept.set(place, isList(entry.key) ? [...(kept.get(place) ?? []), entry] : [entry]);
  }
  return [...kept.values()].flat();
}

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  s: ' ',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
};

/** Splits as systemd does: blanks, both quotes, escapes as in C also between quotes; undefined when a quote is left open. */
export function splitUnit(text: string): string[] | undefined {
  const word = /\s*((?:"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'|\\[^]|[^\s"'\\])+)/y;
  const words: string[] = [];
  const whole = text.trimEnd();
  while (word.lastIndex < whole.length) {
    const found = word.exec(whole)?.[1];
    if (found === undefined) return undefined;
    const pieces = found.match(/"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'|(?:\\[^]|[^"'\\])+/g) ?? [];
    words.push(pieces.map((piece) => unescape(/^["']/.test(piece) ? piece.slice(1, -1) : piece)).join(''));
  }
  return words;
}

function unescape(text: string): string {
  return text.replace(
    /\\(?:x([\da-f]{2})|u([\da-f]{4})|([0-7]{3})|([^]))/gi,
    (_, hex?: string, wide?: string, octal?: string, char?: string) => {
      if (hex ?? wide) return String.fromCharCode(parseInt((hex ?? wide)!, 16));
      if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8) & 0xff);
      return escapes[char!] ?? char!;
    },
  );
}

/** The parts of a unit's name: `web@blue.service` has prefix `web` and instance `blue`; that of a template is empty. */
export function unitName(path: string): { readonly full: string; readonly prefix: string; readonly instance?: string } {
  const full = basename(path);
  const [, prefix = full, instance] = /^([^@]*)(?:@(.*))?\.(?:service|socket)$/.exec(full) ?? [];
  return instance === undefined ? { full, prefix } : { full, prefix, instance };
}

/** Fills in `%n`, `%i` and the like; the instance of a template becomes the wid of the process. */
export function expandSpecifiers(text: string, path: string, unknown: (specifier: string) => void): string {
  const { full, prefix, instance } = unitName(path);
  const plain = full.replace(/\.(service|socket)$/, '');
  const own = instance === '' ? reference('wid') : (instance ?? '');
  const values: Readonly<Record<string, string>> = {
    '%': '%',
    n: full,
    N: plain,
    p: prefix,
    P: systemdPath(prefix),
    i: own,
    I: instance === '' ? own : systemdPath(own),
    j: prefix.split('-').at(-1)!,
    t: '/run',
    S: '/var/lib',
    C: '/var/cache',
    L: '/var/log',
    E: '/etc',
    T: '/tmp',
    V: '/var/tmp',
    h: reference('env.HOME'),
  };
  return text.replace(/%([%A-Za-z])/g, (whole, letter: string) => {
    const value = Object.hasOwn(values, letter) ? values[letter] : undefined;
    if (value === undefined) unknown(whole);
    return value ?? whole;
  });
}

function systemdPath(escaped: string): string {
  return escaped
    .replaceAll('-', '/')
    .replace(/\\x([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

const units: Readonly<Record<string, number>> = {
  us: 1e-6,
  ms: 1e-3,
  '': 1,
  s: 1,
  sec: 1,
  second: 1,
  seconds: 1,
  m: 60,
  min: 60,
  minute: 60,
  minutes: 60,
  h: 3600,
  hr: 3600,
  hour: 3600,
  hours: 3600,
  d: 86_400,
  day: 86_400,
  days: 86_400,
  w: 604_800,
  week: 604_800,
  weeks: 604_800,
};

/** A span of time such as `1min 30s`, in seconds; `infinity` is Infinity, what is no span is undefined. */
export function secondsIn(text: string): number | undefined {
  if (text.trim() === 'infinity') return Infinity;
  let seconds = 0;
  const rest = text.trim().replace(/(\d+(?:\.\d+)?)\s*([a-z]*)\s*/gi, (whole, digits: string, unit: string) => {
    if (!Object.hasOwn(units, unit)) return whole;
    seconds += Number(digits) * units[unit]!;
    return '';
  });
  return rest === '' && text.trim() !== '' ? Math.round(seconds * 1e6) / 1e6 : undefined;
}
