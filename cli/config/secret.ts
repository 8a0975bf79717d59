/** Secrets: variables whose values lie in files of their own, and are shown nowhere. */
import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { readText } from './file.js';
import type { IniOption } from './ini.js';
import type { Problem } from './problem.js';

/** What stands where a secret would. */
export const mask = '***';

/** A secret, or the error that stands in the way; `problem` is a warning then. */
export type Secret = { readonly text: string; readonly problem?: Problem } | { readonly problem: Problem };

/** The path of a secret, absolute, relative to the file that says it. */
export function secretPath({ file }: IniOption, text: string): string {
  return resolve(dirname(file), text.trim());
}

/** Reads the file of a secret; one line end at its end does not count. */
export function readSecret(option: IniOption, path: string): Secret {
  const { key, file, line, column } = option;
  const read = readText(path, option, `"${key}" cannot be read: "${path}"`);
  if (typeof read !== 'string') return { problem: { ...read, file, line, column, key } };
  const text = read.replace(/\r?\n$/, '');
  if (text.includes('\0')) {
    const message = `"${key}" cannot be a variable: "${path}" holds a zero byte`;
    return { problem: { severity: 'error', file, line, column, key, message } };
  }
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
  if ((mode & 0o004) === 0) return { text };
  const message = `"${key}" is no secret on this machine: everybody may read "${path}" (chmod o-r takes that away)`;
  return { text, problem: { severity: 'warning', file, line, column, key, message } };
}

/** An environment as it may be shown: secrets are masked. */
export function withoutSecrets<Value>(
  env: Readonly<Record<string, Value>>,
  secrets: readonly string[],
): Readonly<Record<string, Value | typeof mask>> {
  if (secrets.length === 0) return env;
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, secrets.includes(name) ? mask : value]));
}
