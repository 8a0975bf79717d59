/** Commands of the operator that plugins run with the rights of the daemon: `exec:PROGRAM WORDS`. */
import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { findProgram, reasonOf, splitWords, type Log, type PluginContext } from '#core';
import { plain } from './plain.js';

/** What a command begins with. */
const prefix = 'exec:';

/** How much of what it writes is put into the log: lines, and letters of each. */
const told = { lines: 50, letters: 400 };

/** True for a text that means a command. */
export const isCommand = (text: string): boolean => text.trimStart().startsWith(prefix);

/** The words of a command. @throws Error with a phrase that goes on after the key's name */
export function readCommand(text: string): readonly string[] {
  let words: readonly string[];
  try {
    words = splitWords(text.trimStart().slice(prefix.length));
  } catch (error) {
    throw new Error(`can't be read: ${reasonOf(error)}`, { cause: error });
  }
  if (words.length === 0) throw new Error('has no command behind "exec:"');
  return words;
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

/** The path of a command's program: in the folder of the configuration, else in the daemon's PATH. @throws Error */
export function programOf(word: string, folder: string): string {
  const own = resolve(folder, word);
  if (word.includes('/') || isFile(own)) {
    if (!isFile(own)) throw new Error(`there is no file ${own}`);
    try {
      accessSync(own, constants.X_OK);
    } catch {
      throw new Error(`${own} can't be executed`);
    }
    return own;
  }
  return findProgram(word, process.env['PATH'], folder);
}

/** What keeps a command from being run, as a phrase that goes on after the key's name; undefined: nothing can be seen. */
export function objectionTo(words: readonly string[], folder: string): string | undefined {
  try {
    programOf(words[0]!, folder);
    return undefined;
  } catch (error) {
    return `has the command "${prefix}${words.join(' ')}": ${reasonOf(error)}`;
  }
}

/** How a command is run. */
export interface CommandRun extends Pick<PluginContext, 'run'> {
  readonly log: Log;
  /** The folder of the configuration, in which it runs. */
  readonly folder: string;
  /** What the lines of the log begin with. */
  readonly label: string;
  /** Put over the daemon's environment; what is undefined is left out. */
  readonly facts: Readonly<Record<string, string | number | undefined>>;
  /** In ms: then it is killed with all that it started. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
}

/** Runs a command, and puts what it writes into the log; resolves with what went wrong, as a phrase, and never rejects. */
export async function runCommand(words: readonly string[], how: CommandRun): Promise<string | undefined> {
  const { run, log, folder, label, facts, timeout, signal } = how;
  const known = Object.entries(facts).filter(([, value]) => value !== undefined);
  const env = Object.fromEntries(known.map(([name, value]) => [name, String(value)]));
  let failure: string | undefined;
  try {
    const [word = '', ...args] = words;
    const ran = await run(programOf(word, folder), args, { env, cwd: folder, timeout, signal });
    const lines = `${ran.stdout}\n${ran.stderr}`.split('\n').filter((line) => line.trim() !== '');
    for (const line of lines.slice(0, told.lines)) log.info(`${label}: ${plain(line.slice(0, told.letters))}`);
    if (lines.length > told.lines) log.info(`${label}: ${lines.length - told.lines} more lines`);
    if (ran.timedOut) failure = `was killed after ${timeout / 1000} s`;
    else if (ran.signal !== null) failure = `was killed by signal ${ran.signal}`;
    else if (ran.code !== 0) failure = `exited with code ${ran.code}`;
  } catch (error) {
    failure = `can't be run: ${reasonOf(error)}`;
  }
  if (failure !== undefined) log.warn(`${label} ${failure}`);
  return failure;
}
