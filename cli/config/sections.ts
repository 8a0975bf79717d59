/** The one table of sections that several files make. */
import type { IniFile, IniOption } from './ini.js';
import type { Problem } from './problem.js';

/** One section, merged over all files, at the place of its first header. */
export interface WrittenSection {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly options: ReadonlyMap<string, IniOption>;
}

/** Everything that was written; sections and options in the order of the files. */
export interface Written {
  /** The main file, as it was named. */
  readonly file: string;
  /** All files that were read, the main file first. */
  readonly files: readonly string[];
  readonly sections: ReadonlyMap<string, WrittenSection>;
  /** The options of `[DEFAULT]`, which every section has. */
  readonly defaults: ReadonlyMap<string, IniOption>;
  readonly problems: readonly Problem[];
}

const defaultSection = 'DEFAULT';

/** Merges what several files say: sections of one name are one section, and the first definition of an option wins. */
export function mergeFiles(file: string, parts: readonly IniFile[], problems: readonly Problem[] = []): Written {
  const sections = new Map<string, WrittenSection & { readonly options: Map<string, IniOption> }>();
  for (const part of parts) {
    for (const { name, file, line, options } of part.sections) {
      const section = sections.get(name) ?? { name, file, line, options: new Map<string, IniOption>() };
      sections.set(name, section);
      for (const option of options) if (!section.options.has(option.key)) section.options.set(option.key, option);
    }
  }
  const defaults = sections.get(defaultSection)?.options ?? new Map<string, IniOption>();
  sections.delete(defaultSection);
  const files = parts.map((part) => part.file);
  return { file, files, sections, defaults, problems: [...parts.flatMap((part) => part.problems), ...problems] };
}

/** The options of a section: its own over those of `[DEFAULT]`; none when there is no such section. */
export function optionsOf(written: Written, name: string): ReadonlyMap<string, IniOption> {
  const section = written.sections.get(name);
  if (section === undefined) return new Map();
  return written.defaults.size === 0 ? section.options : new Map([...written.defaults, ...section.options]);
}

/** The files as they were read, before any expansion: what `--as-read` prints. */
export function asRead(written: Written): {
  sections: Record<string, Record<string, string>>;
  DEFAULT?: Record<string, string>;
} {
  const texts = (options: ReadonlyMap<string, IniOption>): Record<string, string> =>
    Object.fromEntries([...options].map(([key, option]) => [key, option.value]));
  const sections = Object.fromEntries([...written.sections].map(([name, { options }]) => [name, texts(options)]));
  return written.defaults.size === 0 ? { sections } : { sections, DEFAULT: texts(written.defaults) };
}
