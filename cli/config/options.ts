/** The options of one section: filled in, converted and checked against the schema. */
import { convert } from './convert.js';
import type { EnvFile } from './env-file.js';
import { longestFilling, Room, withEnvironment, type Lookup } from './expand.js';
import type { IniOption } from './ini.js';
import type { Problem } from './problem.js';
import { nearestKey, optionOf, protective, type SectionKind } from './schema.js';
import { fillShell } from './shell.js';
import { optionsOf, type Written, type WrittenSection } from './sections.js';

/** Keys and sections that third-party plugins own, as their package.json says; a key that ends in `*` is a prefix. */
export interface KnownKeys {
  readonly keys?: readonly string[];
  readonly sections?: readonly string[];
}

/** What building a configuration shares: what was written, what is known, and where problems go. */
export interface Building {
  readonly written: Written;
  readonly known: KnownKeys;
  readonly problems: Problem[];
  /** Files of variables that were read. */
  readonly envFiles: Map<string, EnvFile>;
}

/** Where the options of a section are filled in from, and whether as in a shell too. */
export interface Fillings {
  /** For options with a type. */
  readonly typed: Lookup;
  /** For plain text. */
  readonly text: Lookup;
  readonly shell: boolean;
}

/** What one section says. */
export interface Taken {
  /** Converted values, by key. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Texts after expansion, by key. */
  readonly texts: ReadonlyMap<string, string>;
  readonly written: ReadonlyMap<string, IniOption>;
  /** Reports a problem at the value of this key, or at `column` of its line; at the section's header when it is not written. */
  readonly report: (
    severity: Problem['severity'],
    key: string | undefined,
    message: string,
    column?: number,
    likely?: true,
  ) => void;
}

/**
 * Takes the options of a section; one that cannot be filled in or converted is an error and has no value. Hooks are left
 * alone, and variables are the environment's business.
 */
export function takeOptions(building: Building, kind: SectionKind, section: WrittenSection, fillings: Fillings): Taken {
  const options = optionsOf(building.written, section.name);
  const report = reporterFor(building, section, options);
  const values: Record<string, unknown> = {};
  const texts = new Map<string, string>();
  // Of all other sections nothing is used.
  const fate = kind === 'circus' ? '; it is left out' : '';
  for (const [key, { value: raw }] of options) {
    if (key === '__name__') continue;
    const option = optionOf(kind, key);
    if (option === undefined) {
      texts.set(key, fillIn(key, raw, fillings.text, fillings.shell, report) ?? raw);
      if (!isForeign(building, kind, key)) reportUnknown(building, kind, key, options, report);
      continue;
    }
    const { type } = option;
    if (type === 'variable') continue;
    if (type === 'unused') report('warning', key, `"${key}" is accepted for compatibility and has no effect`, 1);
    const lookup = type === 'text' ? fillings.text : fillings.typed;
    const filled = type === 'hook' ? raw : fillIn(key, raw, lookup, fillings.shell, report);
    if (filled === undefined) continue;
    const converted = convert(type, filled);
    if ('wrong' in converted) report('error', key, `"${key}" ${converted.wrong}${unset(filled)}${fate}`);
    else values[key] = converted.value;
    texts.set(key, 'wrong' in converted ? filled : (converted.text ?? filled));
  }
  return { values, texts, written: options, report };
}

/** A text with its variables filled in; undefined when that can't be, which is reported. */
export function fillIn(
  key: string,
  text: string,
  lookup: Lookup,
  shell: boolean,
  report: Taken['report'],
): string | undefined {
  if (!text.includes('$') && !text.includes('((')) return text;
  const room = new Room();
  const within: Lookup = (name, exact) => room.take(lookup(name, exact));
  let failed = false;
  const tell = (severity: Problem['severity'], message: string): void => {
    failed ||= severity === 'error';
    report(severity, key, `"${key}" ${message}`);
  };
  const filled = shell ? fillShell(text, { lookup: within, report: tell }) : withEnvironment(text, within);
  if (room.exceeded) tell('error', `would get more than ${longestFilling} letters from its variables`);
  return failed ? undefined : filled;
}

/** The name of a section of this kind: what follows `watcher:`. */
export function nameIn(section: WrittenSection): string {
  return section.name.slice(section.name.indexOf(':') + 1);
}

/** Reports problems of a section, each at the option that it is about. */
export function reporterFor(
  building: Building,
  section: WrittenSection,
  options: ReadonlyMap<string, IniOption>,
): Taken['report'] {
  return (severity, key, message, column, likely) => {
    const option = key === undefined ? undefined : options.get(key);
    const { file } = option ?? section;
    const value = { line: (option ?? section).line, column: option?.column ?? 1 };
    const place = column === undefined ? value : (option?.at ?? { line: value.line, column });
    const where = { severity, ...(likely && { likely }), file, ...place, section: section.name };
    building.problems.push(key === undefined ? { ...where, message } : { ...where, key, message });
  };
}

/** A key of a third-party plugin, or one of [DEFAULT], which stands in every section. */
function isForeign({ written, known }: Building, kind: SectionKind, key: string): boolean {
  const own = (name: string): boolean => (name.endsWith('*') ? key.startsWith(name.slice(0, -1)) : key === name);
  return (kind === 'watcher' && (known.keys ?? []).some(own)) || written.defaults.has(key);
}

function reportUnknown(
  { known }: Building,
  kind: SectionKind,
  key: string,
  written: Taken['written'],
  report: Taken['report'],
): void {
  if (kind === 'watcher' && /^std(out|err)_stream/.test(key)) {
    report('error', key, `"${key}" names no option of a stream, as "${key.slice(0, 13)}.class" does`, 1);
    return;
  }
  if (kind === 'watcher' && protective.has(key.trim().toLowerCase())) {
    // Ignored, it would leave the program with rights that somebody meant to take away.
    report('error', key, `"${key}" means nothing as it is written: it must be "${key.trim().toLowerCase()}"`, 1);
    return;
  }
  const meant = nearestKey(kind, key, kind === 'watcher' ? known.keys : [], written);
  const hint = meant === undefined ? '' : ` (did you mean "${meant}"?)`;
  const fate = kind === 'watcher' ? 'is kept as text that only plugins and clients can read' : 'is ignored';
  const place = kind === 'circus' ? '[circus]' : `a ${kind}`;
  const likely = meant === undefined ? undefined : true;
  report('warning', key, `"${key}" is not an option of ${place}${hint} and ${fate}`, 1, likely);
}

/** Tells that it is a variable without a value that stands in the way of a conversion. */
function unset(text: string): string {
  const variable = /(?:\$\(|\(\()circus\.env\.([\w.-]+)\)/i.exec(text)?.[1];
  return variable === undefined ? '' : `, because no variable "${variable}" is set`;
}
