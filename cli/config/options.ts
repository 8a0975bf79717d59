/** The options of one section: filled in, converted and checked against the schema. */
import type { IniOption } from './ini.js';
import { convert } from './convert.js';
import { withEnvironment, type Lookup } from './expand.js';
import type { Problem } from './problem.js';
import { nearestKey, optionOf, type SectionKind } from './schema.js';
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
}

/** What one section says. */
export interface Taken {
  /** Converted values, by key. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Texts after expansion, by key. */
  readonly texts: ReadonlyMap<string, string>;
  readonly written: ReadonlyMap<string, IniOption>;
  /** Reports a problem at the value of this key, or at `column` of its line; at the section's header when it is not written. */
  readonly report: (severity: Problem['severity'], key: string | undefined, message: string, column?: number) => void;
}

/**
 * Takes the options of a section; one that cannot be converted is an error and has no value. Options with a type are
 * filled in by `typed`, plain text by `text`; hooks are left alone.
 */
export function takeOptions(
  building: Building,
  kind: SectionKind,
  section: WrittenSection,
  typed: Lookup,
  text: Lookup,
): Taken {
  const options = optionsOf(building.written, section.name);
  const report = reporter(building, section, options);
  const values: Record<string, unknown> = {};
  const texts = new Map<string, string>();
  for (const [key, { value: raw }] of options) {
    if (key === '__name__') continue;
    const option = optionOf(kind, key);
    if (option === undefined) {
      texts.set(key, withEnvironment(raw, text));
      if (!isForeign(building, kind, key)) reportUnknown(building, kind, key, report);
      continue;
    }
    if (option.type === 'unused') report('warning', key, `"${key}" is accepted for compatibility and has no effect`, 1);
    const filled = option.type === 'hook' ? raw : withEnvironment(raw, option.type === 'text' ? text : typed);
    const converted = convert(option.type, filled);
    texts.set(key, filled);
    if ('wrong' in converted) report('error', key, `"${key}" ${converted.wrong}${unset(filled)}`);
    else values[key] = converted.value;
  }
  return { values, texts, written: options, report };
}

/** The name of a section of this kind: what follows `watcher:`. */
export function nameIn(section: WrittenSection): string {
  return section.name.slice(section.name.indexOf(':') + 1);
}

function reporter(
  building: Building,
  section: WrittenSection,
  options: ReadonlyMap<string, IniOption>,
): Taken['report'] {
  return (severity, key, message, column) => {
    const option = key === undefined ? undefined : options.get(key);
    const { file, line } = option ?? section;
    column ??= option?.column ?? 1;
    const where = { severity, file, line, column, section: section.name };
    building.problems.push(key === undefined ? { ...where, message } : { ...where, key, message });
  };
}

/** A key of a third-party plugin, or one of [DEFAULT], which stands in every section. */
function isForeign({ written, known }: Building, kind: SectionKind, key: string): boolean {
  const own = (name: string): boolean => (name.endsWith('*') ? key.startsWith(name.slice(0, -1)) : key === name);
  return (kind === 'watcher' && (known.keys ?? []).some(own)) || written.defaults.has(key);
}

function reportUnknown({ known }: Building, kind: SectionKind, key: string, report: Taken['report']): void {
  if (kind === 'watcher' && /^std(out|err)_stream/.test(key)) {
    report('error', key, `"${key}" names no option of a stream, as "${key.slice(0, 13)}.class" does`, 1);
    return;
  }
  const meant = nearestKey(kind, key, kind === 'watcher' ? known.keys : []);
  const hint = meant === undefined ? '' : ` (did you mean "${meant}"?)`;
  const fate = kind === 'watcher' ? 'is kept as text that only plugins and clients can read' : 'is ignored';
  const place = kind === 'circus' ? '[circus]' : `a ${kind}`;
  report('warning', key, `"${key}" is not an option of ${place}${hint} and ${fate}`, 1);
}

/** Tells that it is a variable without a value that stands in the way of a conversion. */
function unset(text: string): string {
  const variable = /(?:\$\(|\(\()circus\.env\.([\w.-]+)\)/i.exec(text)?.[1];
  return variable === undefined ? '' : `, because no variable "${variable}" is set`;
}
