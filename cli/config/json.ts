/** Reads JSON with the place of everything in it, which `JSON.parse` does not tell. */
import { limits, spots, type Entry, type Spot, type Tree, type TreeFile } from './tree.js';

class SyntaxProblem extends Error {
  readonly index: number;

  constructor(index: number, message: string) {
    super(message);
    this.index = index;
  }
}

/** Reads the text of a JSON file; a file with an error in it is not used at all. */
export function readJson(text: string, file: string): TreeFile {
  const spot = spots(text);
  try {
    return { tree: new Reader(text, spot).read(), problems: [] };
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error;
    const message = `${error.message}, so nothing of this file is used`;
    return { tree: undefined, problems: [{ severity: 'error', file, ...spot(error.index), message }] };
  }
}

class Reader {
  readonly #text: string;
  readonly #spot: (index: number) => Spot;
  #at = 0;

  constructor(text: string, spot: (index: number) => Spot) {
    this.#text = text;
    this.#spot = spot;
  }

  read(): Tree {
    if (this.#text.startsWith('\uFEFF')) this.#at++;
    const tree = this.#value(0);
    if (this.#next() !== undefined) throw this.#unexpected('the end of the file');
    return tree;
  }

  #value(depth: number): Tree {
    const next = this.#next();
    if (depth > limits.depth) throw new SyntaxProblem(this.#at, `this is nested more than ${limits.depth} times`);
    const spot = this.#spot(this.#at);
    if (next === '{') return { ...spot, kind: 'mapping', entries: this.#list('}', () => this.#entry(depth)) };
    if (next === '[') return { ...spot, kind: 'list', items: this.#list(']', () => this.#value(depth + 1)) };
    if (next === '"') return { ...spot, kind: 'value', text: this.#string() };
    const word = this.#match(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|(?:true|false|null)(?!\w)/y);
    if (word === undefined) throw this.#unexpected('a value');
    return { ...spot, kind: 'value', text: word === 'null' ? undefined : word };
  }

  #entry(depth: number): Entry {
    if (this.#next() !== '"') throw this.#unexpected('a key in double quotes');
    const spot = this.#spot(this.#at);
    const key = this.#string();
    if (this.#next() !== ':') throw this.#unexpected('":"');
    this.#at++;
    return { ...spot, key, value: this.#value(depth + 1) };
  }

  #list<Item>(end: string, item: () => Item): Item[] {
    const items: Item[] = [];
    this.#at++;
    if (this.#next() === end) {
      this.#at++;
      return items;
    }
    for (;;) {
      items.push(item());
      const next = this.#next();
      if (next !== ',' && next !== end) throw this.#unexpected(`"," or "${end}"`);
      this.#at++;
      if (next === end) return items;
    }
  }

  #string(): string {
    // By hand: a regular expression runs out of stack in a text of some megabytes.
    let end = this.#at;
    do end = this.#text.indexOf('"', end + 1);
    while (end > 0 && this.#isEscaped(end));
    if (end < 0) throw new SyntaxProblem(this.#at, 'this text has no closing quote');
    const written = this.#text.slice(this.#at, end + 1);
    this.#at = end + 1;
    try {
      return JSON.parse(written) as string;
    } catch {
      const message = 'this text has a line end, or a backslash that means nothing, in it';
      throw new SyntaxProblem(this.#at - written.length, message);
    }
  }

  #isEscaped(index: number): boolean {
    let backslashes = 0;
    while (this.#text[index - 1 - backslashes] === '\\') backslashes++;
    return backslashes % 2 === 1;
  }

  /** The next character that is no blank. */
  #next(): string | undefined {
    this.#match(/[ \t\r\n]+/y);
    return this.#text[this.#at];
  }

  #match(expression: RegExp): string | undefined {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #unexpected(wanted: string): SyntaxProblem {
    const next = this.#next();
    const found = next === undefined ? 'the file ends' : `there is ${JSON.stringify(next)}`;
    return new SyntaxProblem(this.#at, `${wanted} should stand here, and ${found}`);
  }
}
