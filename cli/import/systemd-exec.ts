/** The command lines of systemd units: prefixes, variables, and what becomes of those around a start. */
import { quoteWord } from '#core';
import type { Entry, WatcherDraft } from './draft.js';
import { splitUnit, type UnitEntry } from './systemd-unit.js';

/** One service on its way into a watcher. */
export interface Unit {
  readonly watcher: WatcherDraft;
  /** What counts of the unit and its drop-ins, specifiers filled in. */
  readonly entries: readonly UnitEntry[];
  /** The last value of a key. */
  value(key: string): string | undefined;
}

/** The keys that may be written several times. */
export const lists: ReadonlySet<string> = new Set([
  ...['ExecCondition', 'ExecStart', 'ExecStartPre', 'ExecStartPost', 'ExecReload', 'ExecStop', 'ExecStopPost'],
  ...['SupplementaryGroups', 'AmbientCapabilities', 'CapabilityBoundingSet'],
  ...['Environment', 'EnvironmentFile', 'PassEnvironment', 'After', 'Before', 'Requires', 'Wants', 'BindsTo', 'PartOf'],
]);

interface Command {
  readonly words: readonly string[];
  readonly prefixes: string;
}

function commandIn(watcher: WatcherDraft, entry: Entry): Command | undefined {
  const prefixes = /^[-@:+!|]*/.exec(entry.value)![0];
  const words = splitUnit(entry.value.slice(prefixes.length));
  if (words === undefined || words.length === 0) {
    watcher.draft.fail(
      entry,
      `the command ${JSON.stringify(entry.value.slice(0, 60))} of ${entry.key} cannot be split into words`,
    );
    return undefined;
  }
  if (/[+!|]/.test(prefixes))
    watcher.report(entry, `"${prefixes}" in front of the command is about privileges, and does not count here`);
  if (!prefixes.includes('@')) return { words, prefixes };
  watcher.report(entry, `the program sees its own name, and not "${words[1] ?? ''}"`);
  return { words: words.filter((_, at) => at !== 1), prefixes };
}

const variable = /\$(?:\$|\{(\w+)\})/g;

/** The words to run; where systemd would fill in variables, a shell does it. */
function wordsOf({ words, prefixes }: Command): readonly string[] {
  const fills = (word: string): boolean => /^\$\w+$/.test(word) || /\$\{\w+\}/.test(word);
  if (prefixes.includes(':')) return words;
  if (!words.some(fills)) return words.map((word) => word.replaceAll('$$', '$'));
  return ['sh', '-c', `exec ${words.map(shellWord).join(' ')}`];
}

function shellWord(word: string): string {
  if (/^\$\w+$/.test(word)) return word;
  let text = '';
  let at = 0;
  const literal = (part: string): string => (part === '' ? '' : quoteWord(part));
  for (const found of word.matchAll(variable)) {
    text += literal(word.slice(at, found.index)) + (found[1] === undefined ? "'$'" : `"\${${found[1]}}"`);
    at = found.index + found[0].length;
  }
  return text + literal(word.slice(at)) || "''";
}

/** What the service runs; several commands of a oneshot service follow each other as long as all goes well. */
export function importStart({ watcher, entries }: Unit): void {
  const starts = entries.filter(({ key }) => key === 'ExecStart');
  const commands = starts.flatMap((entry) => commandIn(watcher, entry) ?? []);
  const from = starts[0] ?? { ...watcher.origin, key: 'ExecStart', value: '' };
  const [first] = commands;
  if (first === undefined)
    watcher.draft.fail(from, `"${watcher.name}" has no ExecStart that can be run, so it is left out`);
  else if (commands.length === 1) watcher.run(wordsOf(first), from);
  else watcher.run(['sh', '-c', commands.map((one) => wordsOf(one).map(quoteWord).join(' ')).join(' && ')], from);
}

/** The moments of circusd that commands around a start are for. */
const moments: Readonly<Record<string, string>> = {
  ExecStartPre: 'before_spawn',
  ExecStartPost: 'after_start',
  ExecStop: 'before_stop',
  ExecStopPost: 'after_stop',
};
/** The same for those that name the process: only moments of one process know it. */
const momentsOfOne: Readonly<Record<string, string>> = { ExecStartPost: 'after_spawn', ExecStop: 'before_signal' };

/** Maps the commands around a start to hooks, or to what circusd does by itself: a signal. */
export function importHooks({ watcher, entries }: Unit): void {
  const hooks = new Map<string, (readonly [Entry, Command])[]>();
  for (const entry of entries) {
    const moment = momentOf(entry);
    const value = entry.value.replace(/\$(?:MAINPID\b|\{MAINPID\})/g, '${CIRCUS_PID}');
    const command = moment === undefined ? undefined : commandIn(watcher, { ...entry, value });
    if (moment === undefined || command === undefined || isSignal(watcher, entry, command)) continue;
    if (moment === '') watcher.report(entry, 'circusd knows no process at this moment, so there is no MAINPID');
    else hooks.set(moment, [...(hooks.get(moment) ?? []), [entry, command]]);
  }
  for (const [moment, commands] of hooks) setHook(watcher, moment, commands);
}

function momentOf({ key, value }: Entry): string | undefined {
  if (key === 'ExecReload') return key;
  if (!Object.hasOwn(moments, key)) return undefined;
  return /\$\{?MAINPID\b/.test(value) ? (momentsOfOne[key] ?? '') : moments[key];
}

/** True when the command is a signal that circusd sends itself, or a reload, which is something else here. */
function isSignal(watcher: WatcherDraft, entry: Entry, { words }: Command): boolean {
  const signal = signalIn(words);
  if (entry.key === 'ExecStop' && signal !== undefined) watcher.set('stop_signal', signal, entry);
  else if (entry.key !== 'ExecReload') return false;
  else if (signal === 'HUP' || signal === '1') watcher.set('send_hup', true, entry);
  else
    watcher.report(
      entry,
      'a reload replaces the processes one by one, or sends HUP',
      'run the command by hand, or set send_hup',
    );
  return true;
}

/** One command as it is; several in a shell, one after the other as long as all goes well. */
function setHook(watcher: WatcherDraft, moment: string, commands: readonly (readonly [Entry, Command])[]): void {
  const line = ([, command]: readonly [Entry, Command]): string =>
    wordsOf({ ...command, words: command.words.filter((word) => word !== '') })
      .map(quoteWord)
      .join(' ');
  const mayFail = ([, { prefixes }]: readonly [Entry, Command]) => prefixes.includes('-');
  const [first] = commands;
  const isOne = commands.length === 1;
  const joined = commands.map((one) => (mayFail(one) ? `{ ${line(one)} || :; }` : line(one))).join(' && ');
  const text = `exec:${isOne ? line(first!) : `sh -c ${quoteWord(joined)}`}`;
  // Before a signal, anything but a yes would keep it back.
  const isForgiven = moment === 'before_signal' || (isOne && mayFail(first!));
  // What stands behind its last comma could be taken for the flag.
  const flag = isForgiven ? ', true' : text.includes(',') ? ', false' : '';
  watcher.set(`hooks.${moment}`, `${text}${flag}`, first![0]);
}

/** The signal of `kill -HUP $MAINPID`. */
function signalIn(words: readonly string[]): string | undefined {
  const [program = '', ...rest] = words;
  const line = rest.join(' ');
  if (!/(^|\/)kill$/.test(program) || !line.endsWith('${CIRCUS_PID}')) return undefined;
  return /^(?:-s |--signal[ =]|-)(?:SIG)?(\w+) /.exec(line)?.[1] ?? (rest.length === 1 ? 'TERM' : undefined);
}
