/** Reads YAML with the place of everything in it, by the npm package `yaml`, which is there only for who wants it. */
import { createRequire } from 'node:module';
import { join, resolve, dirname } from 'node:path';
import type { Document, LineCounter } from 'yaml';
import type { Problem } from './problem.js';
import { limits, type Entry, type Spot, type Tree, type TreeFile } from './tree.js';

type Yaml = typeof import('yaml');

class Refusal extends Error {
  readonly spot: Spot;

  constructor(spot: Spot, message: string) {
    super(message);
    this.spot = spot;
  }
}

/** Reads the text of a YAML file; a file with an error in it is not used at all. */
export function readYaml(text: string, file: string): TreeFile {
  const refuse = (spot: Spot, message: string): Problem => ({
    severity: 'error',
    file,
    ...spot,
    message: `${message}, so nothing of this file is used`,
  });
  const yaml = findPackage(file);
  if (yaml === undefined) {
    const message = 'reading YAML takes the npm package "yaml": install it with "npm install yaml"';
    return { tree: undefined, problems: [refuse({ line: 1, column: 1 }, message)] };
  }
  const lines = new yaml.LineCounter();
  const spotOf = (offset: number): Spot => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const document = parse(yaml, text, lines);
  if (document === undefined) {
    const message = 'this is nested too deeply';
    return { tree: undefined, problems: [refuse({ line: 1, column: 1 }, message)] };
  }
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ message, pos }) => refuse(spotOf(pos[0]), lowered(message)));
    return { tree: undefined, problems };
  }
  try {
    return { tree: new Reader(yaml, document, spotOf).read(), problems: [] };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { tree: undefined, problems: [refuse(error.spot, error.message)] };
  }
}

/** Undefined for a text so deeply nested that the package runs out of stack. */
function parse(yaml: Yaml, text: string, lineCounter: LineCounter): Document.Parsed | undefined {
  try {
    return yaml.parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: false });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The package beside the program, or else beside the configuration file. */
function findPackage(file: string): Yaml | undefined {
  for (const place of [import.meta.url, join(resolve(dirname(file)), 'circus.yaml')]) {
    try {
      return createRequire(place)('yaml') as Yaml;
    } catch {
      // The next place may have it.
    }
  }
  return undefined;
}

class Reader {
  readonly #yaml: Yaml;
  readonly #document: Document.Parsed;
  readonly #spotOf: (offset: number) => Spot;
  #count = 0;

  constructor(yaml: Yaml, document: Document.Parsed, spotOf: (offset: number) => Spot) {
    this.#yaml = yaml;
    this.#document = document;
    this.#spotOf = spotOf;
  }

  read(): Tree {
    return this.#tree(this.#document.contents, { line: 1, column: 1 }, 0);
  }

  #tree(node: unknown, around: Spot, depth: number): Tree {
    const yaml = this.#yaml;
    const spot = yaml.isNode(node) && node.range ? this.#spotOf(node.range[0]) : around;
    if (depth > limits.depth) throw new Refusal(spot, `this is nested more than ${limits.depth} times`);
    if (++this.#count > limits.values) throw new Refusal(spot, `this file has more than ${limits.values} values`);
    if (yaml.isMap(node)) {
      const entries = new Map<string, Entry>();
      const merged: Tree[] = [];
      for (const { key, value } of node.items) {
        const name = this.#tree(key, spot, depth + 1);
        const tree = this.#tree(value, name, depth + 1);
        if (name.kind !== 'value') throw new Refusal(name, 'a key must be a single text');
        const text = name.text ?? 'null';
        if (text === '<<') merged.push(...(tree.kind === 'list' ? tree.items : [tree]));
        else if (!entries.has(text))
          entries.set(text, { key: text, value: tree, line: name.line, column: name.column });
      }
      for (const tree of merged) {
        if (tree.kind !== 'mapping') continue;
        for (const entry of tree.entries) if (!entries.has(entry.key)) entries.set(entry.key, entry);
      }
      return { ...spot, kind: 'mapping', entries: [...entries.values()] };
    }
    if (yaml.isSeq(node))
      return { ...spot, kind: 'list', items: node.items.map((item) => this.#tree(item, spot, depth + 1)) };
    if (yaml.isAlias(node)) {
      const target = node.resolve(this.#document);
      if (target === undefined) throw new Refusal(spot, `"*${node.source}" refers to nothing before it`);
      return this.#tree(target, spot, depth + 1);
    }
    if (!yaml.isScalar(node) || node.value === null) return { ...spot, kind: 'value', text: undefined };
    // As written, so that 3.10 and 022 stay what they are.
    const { value, source } = node;
    return { ...spot, kind: 'value', text: typeof value === 'string' ? value : (source ?? JSON.stringify(value)) };
  }
}

function lowered(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1).replace(/\.$/, '');
}
