/** What importers ask of JSON and YAML data: the entries of mappings, the items of lists, texts. */
import { readJson } from '../config/json.js';
import type { Entry, Tree, TreeFile } from '../config/tree.js';
import { readYaml } from '../config/yaml.js';

/** Reads a file by the ending of its name; JSON may have comments, and commas at the end of lists. */
export function readData(text: string, path: string): TreeFile {
  return /\.ya?ml$/i.test(path) ? readYaml(text, path) : readJson(withoutComments(text), path);
}

/** Blanks out what JSON does not have, so that all the rest stays in its place. */
function withoutComments(text: string): string {
  const blank = (found: string): string => (found.startsWith('"') ? found : found.replace(/[^\r\n]/g, ' '));
  const plain = text.replace(/"(?:[^"\\\n]|\\.)*"|\/\/[^\r\n]*|\/\*[^]*?\*\//g, blank);
  return plain.replace(/"(?:[^"\\\n]|\\.)*"|,(?=\s*[}\]])/g, blank);
}

/** The entries of a mapping; none of anything else. */
export function entriesIn(tree: Tree | undefined): readonly Entry[] {
  return tree?.kind === 'mapping' ? tree.entries : [];
}

/** The value of a key of a mapping. */
export function valueIn(tree: Tree | undefined, key: string): Tree | undefined {
  return entriesIn(tree).find((entry) => entry.key === key)?.value;
}

/** The items of a list, or a single value as a list of one; nothing for nothing. */
export function itemsIn(tree: Tree | undefined): readonly Tree[] {
  if (tree?.kind === 'list') return tree.items;
  return tree === undefined || (tree.kind === 'value' && tree.text === undefined) ? [] : [tree];
}

/** A single value as text, a list or a mapping as JSON; nothing is empty. */
export function textIn(tree: Tree | undefined): string {
  return tree === undefined ? '' : tree.kind === 'value' ? (tree.text ?? '') : JSON.stringify(plainOf(tree));
}

/** True for the value true; false is not the same as nothing. */
export function isTrue(tree: Tree | undefined): boolean {
  return textIn(tree).toLowerCase() === 'true';
}

function plainOf(tree: Tree): unknown {
  if (tree.kind === 'value') return tree.text ?? null;
  if (tree.kind === 'list') return tree.items.map(plainOf);
  return Object.fromEntries(tree.entries.map(({ key, value }) => [key, plainOf(value)]));
}

/** The same data with each text changed. */
export function mapTexts(tree: Tree, change: (text: string) => string): Tree {
  if (tree.kind === 'value') return tree.text === undefined ? tree : { ...tree, text: change(tree.text) };
  if (tree.kind === 'list') return { ...tree, items: tree.items.map((item) => mapTexts(item, change)) };
  return { ...tree, entries: tree.entries.map((entry) => ({ ...entry, value: mapTexts(entry.value, change) })) };
}
