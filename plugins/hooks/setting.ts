/** What `hooks.POINT = ...` says: a function of a JavaScript module, a command, or one of Circus's Python functions. */
import { splitWords } from '#core';
import { truthOf } from '../truth.js';
import { commandPrefix as prefix, withFlag } from './flag.js';

/** What is called. */
export type Target =
  | { readonly kind: 'module'; readonly path: string; readonly name: string }
  | { readonly kind: 'command'; readonly words: readonly string[] }
  | { readonly kind: 'python'; readonly module: string; readonly name: string };

/** One hook. */
export interface Setting {
  /** As it was written, without the flag. */
  readonly text: string;
  readonly target: Target;
  /** A failure counts as success. */
  readonly forgiven: boolean;
}

const pythonName = /^([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)[.:]([A-Za-z_]\w*)$/;
const ways = 'write ./FILE.mjs#NAME, exec:COMMAND, or a Python function as MODULE.NAME';

/** Reads a hook. @throws Error with a sentence that goes on after the key's name */
export function readSetting(value: unknown): Setting {
  if (typeof value !== 'string') throw new Error(`must be a text, and is ${JSON.stringify(value)}`);
  const [written, flag = 'false'] = withFlag(value);
  const forgiven = truthOf(flag);
  if (forgiven === undefined)
    throw new Error(`has ${JSON.stringify(flag.trim())} behind its comma: must be true or false`);
  const text = written.trim();
  return { text, target: targetOf(text), forgiven };
}

function targetOf(text: string): Target {
  if (text.startsWith(prefix)) {
    const words = splitWords(text.slice(prefix.length));
    if (words.length === 0) throw new Error('has no command behind "exec:"');
    return { kind: 'command', words };
  }
  if (/^\.{0,2}\//.test(text) || text.includes('#') || /\.[cm]?[jt]s$/.test(text)) {
    const hash = text.lastIndexOf('#');
    const [path, name] = hash < 0 ? [text, 'default'] : [text.slice(0, hash), text.slice(hash + 1)];
    if (path === '' || name === '') throw new Error(`must have a file before "#" and a name behind it: ${ways}`);
    return { kind: 'module', path, name };
  }
  const [, module, name] = pythonName.exec(text) ?? [];
  if (module === undefined || name === undefined) throw new Error(`names no function: ${ways}`);
  return { kind: 'python', module, name };
}
