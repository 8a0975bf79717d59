/** What is wrong with settings on this machine: commands that are not there, and programs that can't do what is asked for. */
import { closeSync, openSync, readSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { findProgram, splitWords, type WatcherSpec } from '#core';
import { userOf } from '../accounts.js';
import { objectionTo } from '../exec.js';
import type { Flaw } from '../flaw.js';
import { closedFor } from '../readable.js';
import type { Settings } from './settings.js';

/** The module that Node programs load to tell about their event loops. */
export const lagModule = (): string => createRequire(import.meta.url).resolve('circusd/lag');

const node = /^(node(js)?|npm|npx|yarn|pnpm|pnpx|corepack|tsx|ts-node)([-\d.]*)$/;
/** Those that run nothing but their own language. */
const others = /^(python[\d.]*|pypy[\d.]*|ruby[\d.]*|perl[\d.]*|php[\d.-]*(fpm)?|lua[\d.]*|java|deno|guile|tclsh)$/;
/** Those that run something else, which nobody knows before. */
const launchers =
  /^(sh|bash|dash|zsh|ksh|busybox|env|nice|tini|dumb-init|setpriv|setsid|sudo|su|runuser|exec|time(out)?)$/;

/** The first bytes of a file. */
function headOf(file: string): string {
  const fd = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(256);
    return bytes.toString('latin1', 0, readSync(fd, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(fd);
  }
}

/** What runs a program: the interpreter of a script, else the program itself. */
function runnerOf(program: string): { readonly name: string; readonly isBinary: boolean } {
  const head = headOf(program);
  const [first = '', ...words] = /^#!\s*(.*)/.exec(head)?.[1]?.split(/\s+/) ?? [];
  const interpreter = basename(first) === 'env' ? words.find((word) => !word.startsWith('-')) : first;
  return { name: basename(interpreter || realpathSync(program)), isBinary: head.startsWith('\x7fELF') };
}

/** Why a command can't be a Node program; `likely` where it only looks so. Undefined: it may be one. */
function noNode({ cmd, args, shell, executable, env, working_dir }: WatcherSpec): Omit<Flaw, 'key'> | undefined {
  try {
    const words = [...splitWords(cmd), ...(Array.isArray(args) ? (args as readonly string[]) : [])];
    const [first = ''] = executable === null ? words : [executable];
    if (shell || first.includes('$(')) return undefined;
    const { name, isBinary } = runnerOf(findProgram(first, env?.['PATH'] ?? process.env['PATH'], working_dir));
    if (node.test(name) || launchers.test(name)) return undefined;
    const message = `is about the event loop of Node programs, and "${first}" is none`;
    if (others.test(name)) return { message };
    const mentions = words.some((word) => node.test(basename(word)) || /\.[cm]?[jt]s$/.test(word));
    return isBinary && !mentions ? { message, likely: true } : undefined;
  } catch {
    // What can't be found or read is told by others.
    return undefined;
  }
}

/** Why its user can't load the module, without which no Node program of his would start. */
function closed({ options }: WatcherSpec): Omit<Flaw, 'key'> | undefined {
  const user = typeof options['uid'] === 'string' ? userOf(options['uid'].trim()) : undefined;
  const file = user && closedFor(user, lagModule());
  if (file === undefined) return undefined;
  const message = `has every Node program load ${lagModule()}, and "uid" is ${user!.name}, who may not read ${file}`;
  return { message, likely: true };
}

/** What can be seen to be wrong without running anything; commands are looked for from `folder`. */
export function programFlaws(spec: WatcherSpec, { alive }: Settings, folder: string): readonly Flaw[] {
  const commands = { action: alive.action, dump: alive.dump };
  const missing = Object.entries(commands).flatMap(([name, one]): Flaw[] => {
    const message = one && 'words' in one ? objectionTo(one.words, folder) : undefined;
    return message === undefined ? [] : [{ key: `alive.${name}`, message }];
  });
  const flaws = alive.loop_lag === undefined ? [] : [noNode(spec), closed(spec)];
  return [...missing, ...flaws.flatMap((flaw) => (flaw ? { key: 'alive.loop_lag', ...flaw } : []))];
}
