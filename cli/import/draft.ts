/** What an importer has understood so far, and what it could not map: each option is checked as it comes in. */
import { isDeepStrictEqual } from 'node:util';
import { convert } from '../config/convert.js';
import { parseEnvFile } from '../config/env-file.js';
import type { Problem } from '../config/problem.js';
import { optionOf, type SectionKind } from '../config/schema.js';
import { strip } from '../config/text.js';
import {
  encodeCommand,
  encodeValue,
  encodeWords,
  hasReference,
  reference,
  shellCommand,
  withReferences,
} from './command.js';

/** A file, and a line in it where one is to be named. */
export interface Origin {
  readonly source: string;
  readonly line?: number;
}

/** One thing that the configuration does not say as its source did. */
export interface Unmapped extends Origin {
  readonly what: string;
  readonly why: string;
  /** What can be done about it. */
  readonly hint?: string;
}

/** One setting of a source. */
export interface Entry<Value = string> extends Origin {
  readonly key: string;
  readonly value: Value;
}

function textOf(value: string | number | boolean): string {
  return value === true ? 'True' : value === false ? 'False' : String(value);
}

/** An origin; the line may be unknown. */
export function origin(source: string, line?: number): Origin {
  return line === undefined ? { source } : { source, line };
}

/** One section to be written; every option in it is one that circusd reads without an error. */
export class SectionDraft {
  readonly options = new Map<string, string>();

  readonly draft: Draft;
  readonly kind: SectionKind;
  readonly name: string;
  readonly origin: Origin;
  /** What reports call it. */
  label: string;

  constructor(draft: Draft, kind: SectionKind, name: string, origin: Origin) {
    this.draft = draft;
    this.kind = kind;
    this.name = name;
    this.origin = origin;
    this.label = `"${name}"`;
  }

  /** Sets an option; one that circusd would refuse, or read differently, is reported instead. `from` says what it was in the source. */
  set(key: string, value: string | number | boolean, from: Entry<unknown>): boolean {
    const text = textOf(value);
    const option = optionOf(this.kind, key);
    const isText = option?.type === 'text' || option?.type === 'path';
    const converted = option && convert(option.type, text);
    let why: string | undefined;
    if (!option || !converted) why = `circusd has no option "${key}"`;
    else if (text.includes(reference('wid'))) why = 'only a command line and variables know the number of a process';
    else if (hasReference(text) && !isText) why = `"${key}" would depend on a variable that may not be set`;
    else if (encodeValue(text) === undefined) why = `the value for "${key}" cannot be written in an INI file`;
    else if ('wrong' in converted) why = `"${key}" ${converted.wrong}`;
    else {
      // A number of processors is another one on another machine; a socket says in full where it listens.
      const isFixed = option.default !== null && option.type !== 'processes' && this.kind !== 'socket';
      const usual = isFixed ? convert(option.type, option.default) : undefined;
      if (usual && 'value' in usual && isDeepStrictEqual(usual.value, converted.value)) this.options.delete(key);
      else this.options.set(key, typeof converted.value === 'boolean' ? textOf(converted.value) : text);
      return true;
    }
    const hint = `write "${key} = ${withReferences(text)}" if it always is`;
    this.report(from, why, option?.type !== 'hook' && hasReference(text) ? hint : undefined);
    return false;
  }

  /** Sends the output of processes to a file. */
  stream(name: 'stdout' | 'stderr', file: string, from: Entry<unknown>): boolean {
    this.options.set(`${name}_stream.class`, 'FileStream');
    const isSet = this.set(`${name}_stream.filename`, file, from);
    if (!isSet) this.options.delete(`${name}_stream.class`);
    return isSet;
  }

  /** Reports a setting that was not mapped. */
  report(from: Entry<unknown>, why: string, hint?: string): void {
    this.draft.report(from, `${from.key} of ${this.label}`, why, hint);
  }
}

/** One watcher to be written. */
export class WatcherDraft extends SectionDraft {
  /** The command line as it is written; undefined: nothing to run is known. */
  cmd: string | undefined;
  readonly env = new Map<string, string>();
  /** Paths of files of variables, which count less than `env`; one after a `-` may be missing. */
  readonly envFiles: string[] = [];
  readonly groups = new Set<string>();
  /** What it waits for or needs, by the names that the source uses. */
  readonly relations: {
    readonly key: 'after' | 'requires' | 'wants';
    readonly target: string;
    readonly from: Entry<unknown>;
  }[] = [];

  /** The names by which other parts of the source call it. */
  readonly ids: readonly string[];

  constructor(draft: Draft, name: string, origin: Origin, ids: readonly string[]) {
    super(draft, 'watcher', name, origin);
    this.ids = ids;
    this.options.set('copy_env', 'True');
  }

  /** Runs these words. */
  run(words: readonly string[], from: Entry<unknown>): void {
    this.#take(words.length > 0 && words[0] !== '' ? encodeWords(words) : undefined, from);
  }

  /** Runs a command line that the source splits into words as circusd does. */
  runLine(text: string, from: Entry<unknown>): void {
    try {
      this.#take(strip(text) === '' ? undefined : encodeCommand(text), from);
    } catch {
      this.draft.fail(from, `the quotes in ${JSON.stringify(text)} are not balanced, so "${this.name}" is left out`);
    }
  }

  /** Runs a shell's command line, by a shell where it needs one. */
  runShell(text: string, from: Entry<unknown>): void {
    const { words, wrapped } = shellCommand(text);
    this.run(words, from);
    if (wrapped) this.options.set('stop_children', 'True');
  }

  /** Reads variables from a file at each start; `text` is what is in it now. Answers the names of the variables. */
  envFile(path: string, text: string | undefined, from: Entry<unknown>): readonly string[] {
    const { variables, problems } = parseEnvFile(text ?? '', path);
    problems.forEach((problem) => this.draft.tell(problem));
    const name = encodeValue(path);
    if (problems.length > 0 || name === undefined || /\s|^-/.test(name)) {
      for (const { key, value } of variables) this.env.set(key, value);
      this.report(from, `"${path}" cannot be an env_file, so the variables that can be read were copied`);
    } else this.envFiles.push(text === undefined ? `-${path}` : path);
    if (text === undefined) this.report(from, `"${path}" cannot be read here, and may be missing`);
    return variables.map(({ key }) => key);
  }

  #take(cmd: string | undefined, from: Entry<unknown>): void {
    this.cmd = cmd;
    if (cmd === undefined)
      this.draft.fail(from, `${from.key} of "${this.name}" is nothing that can be run, so it is left out`);
  }
}

/** Everything that comes of one source. */
export class Draft {
  readonly unmapped: Unmapped[] = [];
  readonly problems: Problem[] = [];
  readonly sockets: SectionDraft[] = [];
  readonly watchers: WatcherDraft[] = [];
  /** The variables of all watchers, with where they come from. */
  readonly env = new Map<string, string>();
  readonly circus: SectionDraft;
  readonly #names = new Map<string, Set<string>>();

  readonly source: string;

  constructor(source: string) {
    this.source = source;
    this.circus = new SectionDraft(this, 'circus', 'circus', { source });
  }

  /** Adds a watcher; its name becomes one that nobody else has and that patterns take literally. */
  watcher(name: string, origin: Origin, ids: readonly string[] = [name]): WatcherDraft {
    const plain = strip(name.replace(/[\p{Cc}\p{Zl}\p{Zp},*?[\]]+/gu, '-').replace(/\p{Zs}+/gu, ' ')) || 'watcher';
    const watcher = new WatcherDraft(this, this.#unique('watcher', plain), origin, ids);
    if (watcher.name !== name)
      this.report(
        origin,
        `the name "${name}"`,
        `it became "${watcher.name}": names are unique, without regard to case, and hold no pattern`,
      );
    this.watchers.push(watcher);
    return watcher;
  }

  /** Adds a socket, under a name that nobody else has. */
  socket(name: string, origin: Origin): SectionDraft {
    const plain = name.toLowerCase().replace(/[^\w.-]+/g, '-') || 'socket';
    const socket = new SectionDraft(this, 'socket', this.#unique('socket', plain), origin);
    this.sockets.push(socket);
    return socket;
  }

  /** Reports something that was not mapped. */
  report({ source, line }: Origin, what: string, why: string, hint?: string): void {
    this.unmapped.push({ ...origin(source, line), what, why, ...(hint === undefined ? {} : { hint }) });
  }

  /** Tells of something that cannot be read at all. */
  fail({ source, line }: Origin, message: string): void {
    this.tell({ severity: 'error', file: source, line: line ?? 1, column: 1, message });
  }

  /** Adds a problem, once. */
  tell(problem: Problem): void {
    if (!this.problems.some((known) => isDeepStrictEqual(known, problem))) this.problems.push(problem);
  }

  #unique(kind: string, name: string): string {
    const taken = this.#names.get(kind) ?? new Set();
    this.#names.set(kind, taken);
    let unique = name;
    for (let at = 2; taken.has(unique.toLowerCase()); at++) unique = `${name}-${at}`;
    taken.add(unique.toLowerCase());
    return unique;
  }
}

/** What becomes of a setting: the option of the same meaning, a function that maps it, why it has none and a hint, or null: nothing to say. */
export type Rule<Target extends SectionDraft, Value> =
  string | ((target: Target, entry: Entry<Value>) => void) | readonly [why: string, hint?: string] | null;

/** The rules of a source, by key. */
export type Rules<Target extends SectionDraft, Value> = Readonly<Record<string, Rule<Target, Value>>>;

/** Applies the rules to all settings of one section; a key without a rule is reported. */
export function applyRules<Target extends SectionDraft, Value>(
  target: Target,
  entries: Iterable<Entry<Value>>,
  rules: Rules<Target, Value>,
  unknown = 'the importer does not know it',
): void {
  for (const entry of entries) {
    const rule = Object.hasOwn(rules, entry.key) ? rules[entry.key] : undefined;
    if (typeof rule === 'function') rule(target, entry);
    else if (typeof rule === 'string') target.set(rule, String(entry.value), entry);
    else if (rule === undefined) target.report(entry, unknown);
    else if (rule !== null) target.report(entry, ...rule);
  }
}
