/** One layer of an environment: variables that may refer to one another, and to those of the layers below. */
import { groupsOf, wayBack } from '#plugins/circles.js';
import { longestFilling, Room, withEnvironment, type Lookup, type Variables } from './expand.js';
import type { IniOption } from './ini.js';
import type { Problem } from './problem.js';
import { fillShell, shellNames } from './shell.js';
import { strip } from './text.js';

/** A variable as written. */
export interface Variable extends IniOption {
  /** It comes from a file of variables, where Circus's notations mean nothing; `literal` is not filled in at all;
   * of an `own` one blanks count. */
  readonly kind?: 'file' | 'literal' | 'own';
  /** The value in which dollars that mean nothing are doubled. */
  readonly forShell?: string;
}

/** How the variables of a layer are filled in. */
export interface LayerContext {
  /** The section that problems are about. */
  readonly section: string;
  readonly below: Lookup;
  /** Secrets by name, so that none is ever copied into another variable before a process is started. */
  readonly hidden: Lookup | undefined;
  readonly shell: boolean;
  readonly daemon: Variables;
  readonly report: (problem: Problem) => void;
}

/** How many letters all that is filled in a layer may have. */
const mostInLayer = 2 ** 26;

/** Python's `$NAME` in capitals, from the environment of the daemon. */
export function finish(value: string, daemon: (name: string) => string | undefined): string {
  return value.includes('$') ? value.replace(/\$([A-Z][A-Z0-9_]*)/g, (_, name: string) => daemon(name) ?? '') : value;
}

/**
 * The values of a layer. A value may refer to its own layer and to those below, and by its own name to the one below;
 * values that refer to one another in a circle stay as written, which `report` hears.
 */
export function fillLayer(variables: readonly Variable[], context: LayerContext): Map<string, Variable> {
  const { below, hidden, shell, daemon } = context;
  const byExact = new Map(variables.map((variable) => [strip(variable.key), variable]));
  const byName = new Map(variables.map((variable) => [nameOf(variable), variable]));
  const done = new Map<Variable, string>();
  /** Variables that refer to themselves, with what stands between. */
  const circles = new Map<Variable, string>();
  const report = ({ key, file, line, column }: Variable, severity: Problem['severity'], message: string): void =>
    context.report({ severity, file, line, column, section: context.section, key, message: `"${key}" ${message}` });
  const other: Finder = (from, name, exact) => {
    const found = exact ? byExact.get(name) : byName.get(name);
    const isItself = exact ? found === from : name === nameOf(from);
    return isItself ? undefined : found;
  };
  const all = new Room(mostInLayer);
  const fill = (variable: Variable): string => {
    const room = new Room();
    const filled = fillWithin(variable, room);
    if (filled === variable.value) return filled;
    all.take(filled);
    if (!room.exceeded && !all.exceeded) return filled;
    const which = room.exceeded
      ? `would get more than ${longestFilling} letters from other variables`
      : `is too much: what is filled in beside it has ${mostInLayer} letters`;
    report(variable, 'error', which);
    return '';
  };
  const fillWithin = (variable: Variable, room: Room): string => {
    const { kind } = variable;
    const value = textOf(variable, shell);
    const trim = (filled: string): string => (kind === undefined ? strip(filled) : filled);
    if (kind === 'literal' || (kind === 'file' && !shell)) return variable.value;
    if (isPlain(value)) return trim(value);
    const own = (name: string): string | undefined => room.take(daemon[name]);
    if (circles.has(variable)) return kind === 'file' ? value : trim(finish(value, own));
    const lookup: Lookup = (name, exact) => {
      const secret = hidden?.(name, exact);
      if (secret !== undefined) return room.take(secret);
      const found = other(variable, name, exact);
      return room.take(found === undefined ? below(name, exact) : done.get(found));
    };
    if (!shell) return trim(finish(withEnvironment(value, lookup), own));
    const filled = fillShell(value, {
      lookup,
      ...(kind === 'file' ? {} : { daemon: own }),
      report: (severity, message) => report(variable, severity, message),
    });
    return trim(filled);
  };
  if (variables.every((variable) => isPlain(textOf(variable, shell)))) {
    return new Map(variables.map((variable) => [strip(variable.key), { ...variable, value: fill(variable) }]));
  }
  const references = new Map(variables.map((variable) => [variable, referencesIn(variable, other, shell)]));
  const next = (variable: Variable): readonly Variable[] => references.get(variable)!;
  for (const group of groupsOf(variables, next)) {
    if (group.length > 1) for (const variable of group) circles.set(variable, throughIn(variable, group, next));
    for (const variable of group) done.set(variable, fill(variable));
  }
  for (const variable of variables) {
    const through = circles.get(variable);
    if (through) report(variable, 'warning', `stays as written, because it refers to itself through ${through}`);
  }
  return new Map(variables.map((variable) => [strip(variable.key), { ...variable, value: done.get(variable)! }]));
}

/** The way from a variable back to it, in words. */
function throughIn(
  variable: Variable,
  group: readonly Variable[],
  next: (variable: Variable) => readonly Variable[],
): string {
  if (group.length > mostNamed) return `${group.length - 1} others`;
  const names = wayBack(variable, next).map(({ key }) => `"${key}"`);
  return names.join(', ');
}

const mostNamed = 50;

/** Finds the variable of the same layer that is meant by a name in another one. */
type Finder = (from: Variable, name: string, exact?: true) => Variable | undefined;

function referencesIn(from: Variable, other: Finder, shell: boolean): readonly Variable[] {
  const text = textOf(from, shell);
  if (isPlain(text)) return [];
  if (from.kind === 'literal' || (from.kind === 'file' && !shell)) return [];
  const found: (Variable | undefined)[] = [];
  withEnvironment(text, (name) => void found.push(other(from, name)));
  if (shell) found.push(...shellNames(text).map((name) => other(from, name, true)));
  return found.filter((variable) => variable !== undefined);
}

/** True for a text without anything to fill in. */
function isPlain(text: string): boolean {
  return !text.includes('$') && !text.includes('((');
}

function nameOf(variable: Variable): string {
  return strip(variable.key).toLowerCase();
}

function textOf({ value, forShell }: Variable, shell: boolean): string {
  return shell ? (forShell ?? value) : value;
}
