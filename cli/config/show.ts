/** Writes the configuration in effect as INI, JSON or YAML; each of them reads back as the same configuration. */
import type { Configuration } from './build.js';
import { effective, sectionOf, type Block, type Effective } from './effective.js';
import { readIni } from './ini.js';
import type { Place } from './problem.js';
import type { MeantPlugin } from './rewrite.js';

/** The notations in which a configuration can be shown. */
export const formats = ['ini', 'json', 'yaml'] as const;

export type Format = (typeof formats)[number];

/** All sections that are in effect, plugins first; with `only`, those of that name. Secrets are named, and never read. */
export function showConfiguration(
  configuration: Configuration,
  plugins: readonly MeantPlugin[],
  only?: string,
  format: Format = 'ini',
): string {
  const blocks = effective(configuration, plugins, only);
  if (format === 'ini') return `${blocks.map(writeIniBlock).join('\n\n')}\n`;
  const tree = treeOf(blocks);
  return format === 'json' ? `${JSON.stringify(tree, valueOf, 2)}\n` : writeYaml(tree, 0);
}

/** One option as lines of INI, or a comment when its value has no way to be written there. */
export const iniOption = (key: string, value: Effective['value']): readonly string[] =>
  writeIniOption(key, textOf(value), undefined);

function writeIniBlock(block: Block): string {
  const lines = [`[${sectionOf(block)}]`];
  if (readIni(lines[0]!, '').sections[0]?.name !== sectionOf(block)) return unwritable(sectionOf(block));
  let isDefault = false;
  for (const { key, value, place } of block.values) {
    if (place === undefined && !isDefault) lines.push('# defaults:');
    isDefault ||= place === undefined;
    lines.push(...writeIniOption(key, textOf(value), place));
  }
  return lines.join('\n');
}

/** One option, with the place at the end of its line where that cannot become part of the value. */
function writeIniOption(key: string, value: string, place: Place | undefined): readonly string[] {
  const text = value === '' ? '""' : value.replaceAll('\n', '\n    ');
  const note = place && `${place.file}:${place.line}`;
  // Two quotes and nothing else are how an empty value is written.
  const plain = value !== '""' && /^[\w.*-]+$/.test(key) && /^\S(?:[^;\n\r]*[^;\s])?$/.test(value);
  if (!plain && !isRead(key, text, value)) return [unwritable(key)];
  if (note === undefined) return [`${key} = ${text}`];
  const [first = '', ...rest] = text.split('\n');
  if (first === '' || first.includes(';')) return [`# ${note}:`, `${key} = ${text}`];
  return [`${`${key} = ${first}`.padEnd(50)} ; ${note}`, ...rest];
}

function isRead(key: string, text: string, value: string): boolean {
  const { sections, problems } = readIni(`[s]\n${key} = ${text}`, '');
  const options = sections[0]?.options ?? [];
  return problems.length === 0 && options.length === 1 && options[0]?.key === key && options[0].value === value;
}

function unwritable(what: string): string {
  return `# ${JSON.stringify(what)} cannot be written in INI: --format json can`;
}

/** Booleans as Circus writes them. */
function textOf(value: Effective['value']): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : value.join(', ');
}

/** A leaf of what is written: a value with its place. */
class Leaf {
  readonly value: Effective['value'];
  readonly place: Place | undefined;

  constructor({ value, place }: Effective) {
    this.value = value;
    this.place = place;
  }
}

type Branch = Map<string, Branch | Leaf>;

const plurals: Readonly<Record<string, string>> = { watcher: 'watchers', socket: 'sockets', plugin: 'plugins' };

function treeOf(blocks: readonly Block[]): Branch {
  const tree: Branch = new Map();
  for (const block of blocks) {
    const { kind, name } = block;
    const plural = plurals[kind];
    const branch: Branch = plural === undefined ? grow(tree, sectionOf(block)) : grow(grow(tree, plural), name);
    for (const one of block.values) {
      const variable = kind === 'watcher' && one.key.startsWith('env.');
      if (variable) grow(branch, 'env').set(one.key.slice('env.'.length), new Leaf(one));
      else branch.set(one.key, new Leaf(one));
    }
  }
  return tree;
}

function grow(branch: Branch, key: string): Branch {
  const known = branch.get(key);
  if (known instanceof Map) return known;
  const grown: Branch = new Map();
  branch.set(key, grown);
  return grown;
}

function valueOf(_key: string, value: unknown): unknown {
  if (value instanceof Leaf) return value.value;
  return value instanceof Map ? Object.fromEntries(value as Branch) : value;
}

/** Texts in double quotes as in JSON, which YAML reads the same; places as comments. */
function writeYaml(branch: Branch, depth: number): string {
  const indent = '  '.repeat(depth);
  let output = '';
  for (const [key, value] of branch) {
    const name =
      /^[A-Za-z_][\w.]*$/.test(key) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(key) ? key : quote(key);
    if (value instanceof Leaf) {
      const line = `${indent}${name}: ${typeof value.value === 'string' ? quote(value.value) : JSON.stringify(value.value)}`;
      const { place } = value;
      output += place === undefined ? `${line}\n` : `${line.padEnd(50)} # ${place.file}:${place.line}\n`;
    } else output += value.size === 0 ? `${indent}${name}: {}\n` : `${indent}${name}:\n${writeYaml(value, depth + 1)}`;
  }
  return output;
}

/** JSON, with what YAML takes for the end of a line, and halves of letters, written as escapes. */
function quote(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
