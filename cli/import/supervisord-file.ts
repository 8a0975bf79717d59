/** Reads the INI dialect of supervisord, with the line of each setting. */
import { origin, type Draft, type Entry } from './draft.js';
import { linesOf } from './files.js';

/** One section; of a setting that is written twice the last counts. */
export interface SupervisordSection {
  readonly name: string;
  readonly source: string;
  readonly line: number;
  readonly entries: ReadonlyMap<string, Entry>;
}

/** The sections of one file, in its order; lines that supervisord would refuse become problems. */
export function readSupervisord(draft: Draft, source: string, text: string): SupervisordSection[] {
  const sections = new Map<string, SupervisordSection & { readonly entries: Map<string, Entry> }>();
  let section: (SupervisordSection & { readonly entries: Map<string, Entry> }) | undefined;
  let key: string | undefined;
  let depth = 0;
  for (const [at, raw] of linesOf(text).entries()) {
    const content = withoutComment(raw);
    if (content === '') continue;
    const from = origin(source, at + 1);
    const indent = raw.length - raw.trimStart().length;
    const before = key === undefined ? undefined : section?.entries.get(key);
    if (before && indent > depth) {
      section!.entries.set(key!, { ...before, value: `${before.value}\n${content}`.trimStart() });
      continue;
    }
    depth = indent;
    const header = /^\[(.+)\]/.exec(content)?.[1];
    if (header !== undefined) {
      section = sections.get(header) ?? { name: header, source, line: at + 1, entries: new Map<string, Entry>() };
      sections.set(header, section);
      key = undefined;
      continue;
    }
    const [, name, value = ''] = /^(.*?)\s*[=:]\s*(.*)$/.exec(content) ?? [];
    key = undefined;
    if (!name)
      draft.fail(from, `${JSON.stringify(content.slice(0, 60))} is no setting, because it has no name before "="`);
    else if (section === undefined) draft.fail(from, `"${name}" is not in a section, so it is skipped`);
    else section.entries.set((key = name.toLowerCase()), { key, value, ...from });
  }
  return [...sections.values()];
}

/** `;` and `#` begin a comment at the start of a line and after a blank. */
function withoutComment(line: string): string {
  return line.replace(/(^|\s)[;#].*$/, '').trim();
}

const expression = /%(?:%|\((\w+)\)(0?\d{0,2})[sd])/g;

/** Fills in `%(NAME)s` and `%(NAME)02d`; `lookup` answers undefined for an unknown name, which stays as it is. */
export function expandText(text: string, lookup: (name: string) => string | number | undefined): string {
  return text.replace(expression, (whole, name: string | undefined, width = '') => {
    if (name === undefined) return '%';
    const value = lookup(name);
    if (value === undefined) return whole;
    const [fill, length] = String(width).startsWith('0') ? ['0', Number(width)] : [' ', Number(width)];
    return String(value).padStart(length, fill);
  });
}

/** `NAME="value",OTHER=value`, as supervisord reads it. */
export function variablesIn(draft: Draft, entry: Entry): Map<string, string> {
  const pair = /\s*([^\s=,]+)\s*=\s*("(?:[^"\\]|\\[^])*"|'[^']*'|[^,]*?)\s*(?:,|$)/y;
  const variables = new Map<string, string>();
  while (pair.lastIndex < entry.value.length) {
    const at = pair.lastIndex;
    const [, name, value = ''] = pair.exec(entry.value) ?? [];
    if (name === undefined) {
      const rest = entry.value.slice(at).trim();
      if (rest !== '') draft.fail(entry, `${JSON.stringify(rest.slice(0, 60))} in environment is not NAME="value"`);
      break;
    }
    const bare = /^["']/.test(value) ? value.slice(1, -1) : value;
    variables.set(name, value.startsWith('"') ? bare.replace(/\\(["\\])/g, '$1') : bare);
  }
  return variables;
}
