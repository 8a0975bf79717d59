/**
 * Reads the text of one file in Circus's dialect of INI.
 *
 * npm `ini` is the reader; its own dialect is another one, so each line is first rewritten into a form that it reads
 * without loss: `[name@LINE]` and `key@LINE="COLUMN:text"`. Names have nothing but letters, digits and escapes left; with
 * a line none is written twice, nor looks like a number, a path or an array. Texts are JSON, and with a column none is
 * `true`. An option's line counts from its header: like sections then have like keys, which is a third of the time.
 */
import { parse } from 'ini';
import { longestValue, tooLong, type Place, type Problem } from './problem.js';
import { isBlank, strip, stripEnd, stripStart } from './text.js';

/** One option as written; the place is that of its value. */
export interface IniOption extends Place {
  readonly key: string;
  readonly value: string;
  /** Where the key begins; in INI always in column 1 of the same line. */
  readonly at?: { readonly line: number; readonly column: number };
}

/** One section, at the place of its first header; of an option that is written twice the first counts. */
export interface IniSection {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly options: readonly IniOption[];
}

/** What one file says, in the order of the file. */
export interface IniFile {
  readonly file: string;
  readonly sections: readonly IniSection[];
  readonly problems: readonly Problem[];
}

/** Reads a file's text; what Circus would refuse becomes a problem, and the rest of the file is still read. */
export function readIni(text: string, file: string): IniFile {
  const problems: Problem[] = [];
  const sections = collect(parse(translate(text, file, problems)), file, problems);
  return { file, sections, problems: problems.sort((one, other) => one.line - other.line) };
}

/** Circus's dialect to that of `ini`, line by line. */
function translate(text: string, file: string, problems: Problem[]): string {
  const output: string[] = [];
  let section: string | undefined;
  let key: string | undefined;
  let start = 0;
  let lost = false;
  const refuse = (line: number, column: number, message: string): void => {
    problems.push({ severity: 'error', file, line, column, ...(section === undefined ? {} : { section }), message });
  };

  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    const number = index + 1;
    const indented = isBlank(line[0] ?? '');
    if (line.length > longestValue) {
      refuse(number, 1, `this line ${tooLong(line.length)}`);
      continue;
    }
    const content = indented ? strip(line) : stripEnd(line);
    const column = indented ? line.indexOf(content) + 1 : 1;
    if (content === '' || line[0] === '#' || line[0] === ';' || isRemark(line)) continue;

    if (key !== undefined && indented) {
      output.push(`${encode(key)}@${number - start}=${quote(`${column}+${content}`)}`);
      continue;
    }
    const header = line[0] === '[' ? /^\[(.+)\]/s.exec(line)?.[1] : undefined;
    if (header !== undefined) {
      section = header;
      key = undefined;
      start = number;
      lost = false;
      output.push(`[${encode(section)}@${number}]`);
      continue;
    }
    if (line[0] === '[' && !line.includes(']')) {
      // Circus takes `[watcher:web` for an option, and what follows for a second definition of the section before.
      section = key = undefined;
      lost = true;
      refuse(number, 1, `section header ${show(content)} has no "]", so the lines up to the next section are skipped`);
      continue;
    }
    if (section === undefined) {
      if (!lost)
        refuse(number, column, `${show(content)} is not in a section, so the lines up to the first are skipped`);
      lost = true;
      continue;
    }
    const delimiter = line.search(/[=:]/);
    if (delimiter < 0) {
      refuse(number, column, `${show(content)} has neither "=" nor ":" and cannot be read`);
      continue;
    }
    key = stripEnd(line.slice(0, delimiter)) || undefined;
    if (key === undefined) {
      refuse(number, column, `${show(content)} has no name before "${line[delimiter]}" and cannot be read`);
      continue;
    }
    const value = stripStart(line.slice(delimiter + 1));
    const place = line.length - value.length + 1;
    output.push(`${encode(key)}@${number - start}=${quote(`${place}:${withoutComment(value)}`)}`);
  }
  return output.join('\n');
}

/** From what `ini` read to sections: repeated ones are merged, and the first definition of an option wins. */
function collect(read: Record<string, Record<string, string>>, file: string, problems: Problem[]): IniSection[] {
  const sections = new Map<string, { line: number; options: Map<string, IniOption & { value: string }> }>();
  for (const [header, lines] of Object.entries(read)) {
    const [name, start] = parted(header);
    const section = sections.get(name) ?? { line: start, options: new Map() };
    sections.set(name, section);
    for (const [place, text] of Object.entries(lines)) {
      const [key, offset] = parted(place);
      const mark = text.search(/[:+]/);
      const value = text.slice(mark + 1);
      const line = start + offset;
      const first = section.options.get(key);
      // Also the further lines of an ignored second definition join the first: Circus does so.
      if (first === undefined)
        section.options.set(key, { key, value, file, line, column: Number(text.slice(0, mark)) });
      else if (text[mark] === '+') first.value += `\n${value}`;
      else {
        const message = `"${key}" is already set in line ${first.line} of this file, which counts, so this line is ignored`;
        problems.push({ severity: 'warning', file, line, column: 1, section: name, key, message });
      }
    }
  }
  return [...sections].map(([name, { line, options }]) => ({ name, file, line, options: [...options.values()] }));
}

/** Only the first `;` can begin a comment, and only after a blank; of one in front, Circus looks at the last letter. */
function withoutComment(value: string): string {
  const at = value.indexOf(';');
  const text = strip(at >= 0 && isBlank(value.at(at - 1)!) ? value.slice(0, at) : value);
  return text === '""' ? '' : text;
}

function isRemark(line: string): boolean {
  return /^rem/i.test(line) && (line.length === 3 || isBlank(line[3]!));
}

function encode(name: string): string {
  if (/^[\w-]*$/.test(name)) return name;
  return name.replace(/[^\w-]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function decode(code: string): string {
  if (!code.includes('%')) return code;
  return code.replace(/%(.{4})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

/** `name@12` to the name and the line. */
function parted(code: string): [string, number] {
  const at = code.lastIndexOf('@');
  return [decode(code.slice(0, at)), Number(code.slice(at + 1))];
}

function quote(value: string): string {
  const text = JSON.stringify(value);
  // The dot in the regular expression of `ini` does not match these two.
  return text.replace(/[\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16)}`);
}

/** A line as it is shown in a message. */
function show(content: string): string {
  return JSON.stringify(content.length > 60 ? `${content.slice(0, 57)}...` : content);
}
