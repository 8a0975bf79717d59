/** From what JSON and YAML files hold to the sections that INI files have: the same names, the same meaning. */
import { quoteWord } from '#core';
import type { IniFile, IniOption, IniSection } from './ini.js';
import { longestValue, tooLong, type Problem } from './problem.js';
import { optionOf, type SectionKind } from './schema.js';
import type { Entry, Spot, Tree, TreeFile } from './tree.js';

/** Mappings of things that have a name each: `watchers: { web: ... }` is `[watcher:web]`. */
const plurals: Readonly<Record<string, string>> = {
  watchers: 'watcher',
  groups: 'group',
  sockets: 'socket',
  plugins: 'plugin',
};
const words = new Set(['cmd', 'args', 'shell_args']);
const separated = new Set(['include', 'include_dir', 'env_file']);

/** Turns a file into sections; what has no meaning there is a problem, and the rest is still used. */
export function fromTree({ tree, problems: found }: TreeFile, file: string): IniFile {
  const problems = [...found];
  const sections: IniSection[] = [];
  const refuse = ({ line, column }: Spot, message: string, section?: string): void =>
    void problems.push({
      severity: 'error',
      file,
      line,
      column,
      ...(section === undefined ? {} : { section }),
      message,
    });
  const add = (name: string, { line, value }: Entry, entries?: readonly Entry[]): void => {
    if (entries === undefined && value.kind !== 'mapping') {
      if (value.kind === 'list' || value.text !== undefined)
        refuse(value, `"${name}" must hold options, and is a single value`, name);
      return;
    }
    const options = optionsIn(name, entries ?? (value.kind === 'mapping' ? value.entries : []), file, problems);
    sections.push({ name, file, line, options });
  };

  if (tree === undefined) return { file, sections, problems };
  if (tree.kind !== 'mapping') {
    if (tree.kind === 'list' || tree.text !== undefined)
      refuse(tree, 'this file holds no sections, such as "watchers"');
    return { file, sections, problems };
  }
  for (const entry of tree.entries) {
    const { key, value } = entry;
    const kind = Object.hasOwn(plurals, key) ? plurals[key] : undefined;
    if (key === '$schema') continue;
    if (kind === undefined && key !== 'env') add(key, entry);
    else if (value.kind !== 'mapping') {
      if (value.kind === 'list' || value.text !== undefined)
        refuse(value, `"${key}" must hold names, and is a single value`);
    } else if (kind !== undefined) for (const one of value.entries) add(`${kind}:${one.key}`, one);
    else {
      const isNested = (one: Entry): boolean => one.value.kind === 'mapping';
      const plain = value.entries.filter((one) => !isNested(one));
      if (plain.length > 0) add('env', entry, plain);
      for (const one of value.entries.filter(isNested)) add(`env:${one.key}`, one);
    }
  }
  return { file, sections, problems };
}

function optionsIn(
  section: string,
  entries: readonly Entry[],
  file: string,
  problems: Problem[],
): readonly IniOption[] {
  const options = new Map<string, IniOption>();
  const visit = (entry: Entry, prefix: string): void => {
    const { value, line, column } = entry;
    const key = prefix + entry.key;
    if (value.kind === 'mapping') return value.entries.forEach((inner) => visit(inner, `${key}.`));
    const refuse = (severity: Problem['severity'], spot: Spot, message: string): void =>
      void problems.push({ severity, file, line: spot.line, column: spot.column, section, key, message });
    if (key === '') return refuse('error', entry, 'an option must have a name');
    const text = value.kind === 'list' ? joined(section, key, value.items) : value.text;
    if (value.kind === 'list' && text === undefined)
      return refuse('error', value, `"${key}" must be a list of single values`);
    if (text === undefined) return;
    if (text.length > longestValue) return refuse('error', value, `the value of "${key}" ${tooLong(text.length)}`);
    const first = options.get(key);
    if (first === undefined)
      options.set(key, { key, value: text, file, line: value.line, column: value.column, at: { line, column } });
    else
      refuse(
        'warning',
        entry,
        `"${key}" is already set in line ${first.line} of this file, which counts, so this one is ignored`,
      );
  };
  for (const entry of entries) visit(entry, '');
  return [...options.values()];
}

/** A list as the text that means the same; undefined when it holds more than single values. */
function joined(section: string, key: string, items: readonly Tree[]): string | undefined {
  const texts: string[] = [];
  for (const item of items) {
    if (item.kind !== 'value') return undefined;
    if (item.text !== undefined) texts.push(item.text);
  }
  if (words.has(key)) return texts.map(quoteWord).join(' ');
  return texts.join(separated.has(key) || optionOf(kindOf(section), key)?.type === 'path' ? ' ' : ', ');
}

function kindOf(section: string): SectionKind {
  const [kind = ''] = section.split(':');
  return kind === 'circus' || kind === 'socket' || kind === 'plugin' ? kind : 'watcher';
}
