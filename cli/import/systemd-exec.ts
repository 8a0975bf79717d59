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

/** Maps a command around a start to a hook, or to what circusd does by itself: a signal. */
export function hookOf(watcher: WatcherDraft, hook: string, entry: Entry): void {
  const command = commandIn(watcher, entry);
  if (command === undefined) return;
  const words = wordsOf({ ...command, words: command.words.filter((word) => word !== '') });
  const signal = signalIn(command.words);
  if (entry.key === 'ExecReload') {
    if (signal === 'HUP' || signal === '1') watcher.set('send_hup', true, entry);
    else
      watcher.report(
        entry,
        'a reload replaces the processes one by one, or sends HUP',
        'run the command by hand, or set send_hup',
      );
    return;
  }
  if (entry.key === 'ExecStop' && signal !== undefined) {
    watcher.set('stop_signal', signal, entry);
    return;
  }
  const key = `hooks.${hook}`;
  const line = `exec:${words.map(quoteWord).join(' ')}`;
  // What stands behind its last comma could be taken for the flag.
  const forgiven = command.prefixes.includes('-') ? ', true' : line.includes(',') ? ', false' : '';
  if (entry.value.includes('MAINPID')) watcher.report(entry, 'circusd has no variable MAINPID');
  else if (watcher.options.has(key)) watcher.report(entry, `${key} holds one command`, 'put all of them into a script');
  else watcher.set(key, `${line}${forgiven}`, entry);
}

/** The signal of `kill -HUP $MAINPID`. */
function signalIn(words: readonly string[]): string | undefined {
  const [program = '', ...rest] = words;
  const line = rest.join(' ');
  if (!/(^|\/)kill$/.test(program) || !/\$\{?MAINPID\}?$/.test(line)) return undefined;
  return /^(?:-s |--signal[ =]|-)(?:SIG)?(\w+) /.exec(line)?.[1] ?? (rest.length === 1 ? 'TERM' : undefined);
}
