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

/**
 * Reads a file's text; what Circus would refuse becomes a problem, and the rest of the file is still read. Of a file
 * that is not `shown` no line is quoted in a problem: it may be one that was never meant to be read here.
 */
export function readIni(text: string, file: string, { shown = true } = {}): IniFile {
  const problems: Problem[] = [];
  const sections: Sections = new Map();
  const translator = new Translator(file, problems, shown);
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  for (let at = 0; at < lines.length; at++) {
    // Part by part, each beginning with a section: what one leaves behind is gone before the next needs room.
    if (translator.lines >= linesAtOnce && lines[at]!.startsWith('['))
      collect(translator.take(), sections, file, problems);
    translator.translate(lines[at]!, at + 1);
  }
  collect(translator.take(), sections, file, problems);
  return { file, sections: [...sections.values()], problems: problems.sort((one, other) => one.line - other.line) };
}

const linesAtOnce = 400;

/** Circus's dialect to that of `ini`, line by line. */
class Translator {
  readonly #file: string;
  readonly #problems: Problem[];
  readonly #shown: boolean;
  #output: string[] = [];
  #section: string | undefined;
  #key: string | undefined;
  /** The line of the last header. */
  #start = 0;
  /** The lines belong to no section, which was told. */
  #lost = false;

  constructor(file: string, problems: Problem[], shown: boolean) {
    this.#file = file;
    this.#problems = problems;
    this.#shown = shown;
  }

  get lines(): number {
    return this.#output.length;
  }

  /** What `ini` reads from the lines since the last time. */
  take(): Record<string, Record<string, string>> {
    const text = this.#output.join('\n');
    // `[]` and the like are no headers, though they look so to the caller: what follows them is still of this section.
    this.#output = this.#section === undefined ? [] : [`[${encode(this.#section)}@${this.#start}]`];
    return parse(text);
  }

  translate(line: string, number: number): void {
    const indented = isBlank(line[0] ?? '');
    if (line.length > longestValue) return this.#refuse(number, 1, `this line ${tooLong(line.length)}`);
    const content = indented ? strip(line) : stripEnd(line);
    if (content === '' || line[0] === '#' || line[0] === ';' || isRemark(line)) return;
    const column = indented ? line.indexOf(content) + 1 : 1;

    if (this.#key !== undefined && indented) return this.#add(number, `${column}+${content}`);
    if (line[0] === '[') {
      const end = line.lastIndexOf(']');
      if (end > 1) {
        this.#section = line.slice(1, end);
        this.#key = undefined;
        this.#start = number;
        this.#lost = false;
        this.#output.push(`[${encode(this.#section)}@${number}]`);
        return;
      }
      if (end < 0) {
        // Circus takes `[watcher:web` for an option, and what follows for a second definition of the section before.
        this.#section = this.#key = undefined;
        this.#lost = true;
        const message = `${this.#show('section header ', content)} has no "]", so the lines up to the next section are skipped`;
        return this.#refuse(number, 1, message);
      }
    }
    if (this.#section === undefined) {
      const message = `${this.#show('', content)} is not in a section, so the lines up to the first are skipped`;
      if (!this.#lost) this.#refuse(number, column, message);
      this.#lost = true;
      return;
    }
    const delimiter = line.search(/[=:]/);
    if (delimiter < 0)
      return this.#refuse(number, column, `${this.#show('', content)} has neither "=" nor ":" and cannot be read`);
    this.#key = stripEnd(line.slice(0, delimiter)) || undefined;
    if (this.#key === undefined) {
      const message = `${this.#show('', content)} has no name before "${line[delimiter]}" and cannot be read`;
      return this.#refuse(number, column, message);
    }
    const value = stripStart(line.slice(delimiter + 1));
    this.#add(number, `${line.length - value.length + 1}:${withoutComment(value)}`);
  }

  #add(number: number, text: string): void {
    this.#output.push(`${encode(this.#key!)}@${number - this.#start}=${quote(text)}`);
  }

  /** A line as it is shown in a message. */
  #show(what: string, content: string): string {
    if (!this.#shown) return `this ${what || 'line '}`.trimEnd();
    return what + JSON.stringify(content.length > 60 ? `${content.slice(0, 57)}...` : content);
  }

  #refuse(line: number, column: number, message: string): void {
    const section = this.#section === undefined ? {} : { section: this.#section };
    this.#problems.push({ severity: 'error', file: this.#file, line, column, ...section, message });
  }
}

type Sections = Map<string, IniSection & { readonly options: (IniOption & { value: string })[] }>;

/** From what `ini` read to sections: repeated ones are merged, and the first definition of an option wins. */
function collect(
  read: Record<string, Record<string, string>>,
  sections: Sections,
  file: string,
  problems: Problem[],
): void {
  for (const header in read) {
    const lines = read[header]!;
    const at = header.lastIndexOf('@');
    const name = decode(header.slice(0, at));
    const start = Number(header.slice(at + 1));
    let section = sections.get(name);
    if (section === undefined) sections.set(name, (section = { name, file, line: start, options: [] }));
    const find = finder(section.options);
    for (const place in lines) {
      const text = lines[place]!;
      const [key, offset] = parted(place);
      const mark = text.search(/[:+]/);
      const value = text.slice(mark + 1);
      const line = start + offset;
      const first = find(key);
      // Also the further lines of an ignored second definition join the first: Circus does so.
      if (first === undefined) section.options.push({ key, value, file, line, column: Number(text.slice(0, mark)) });
      else if (text[mark] === '+') first.value += `\n${value}`;
      else {
        const message = `"${key}" is already set in line ${first.line} of this file, which counts, so this line is ignored`;
        problems.push({ severity: 'warning', file, line, column: 1, section: name, key, message });
      }
    }
  }
}

/** Finds an option by its key, also one that is added later; few sections are long enough for a map to be worth it. */
function finder<Option extends IniOption>(options: readonly Option[]): (key: string) => Option | undefined {
  const known = new Map<string, Option>();
  return (key) => {
    if (options.length < 16) return options.find((option) => option.key === key);
    for (let at = known.size; at < options.length; at++) known.set(options[at]!.key, options[at]!);
    return known.get(key);
  };
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

/** `name@12` to the name and the line; the same few are in most sections. */
function parted(code: string): readonly [string, number] {
  let parts = knownParts.get(code);
  if (parts === undefined) {
    const at = code.lastIndexOf('@');
    parts = [decode(code.slice(0, at)), Number(code.slice(at + 1))];
    if (knownParts.size < 1000) knownParts.set(code, parts);
  }
  return parts;
}

const knownParts = new Map<string, readonly [string, number]>();

function quote(value: string): string {
  const text = JSON.stringify(value);
  // The dot in the regular expression of `ini` does not match these two.
  return text.replace(/[\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16)}`);
}
