/** Imports service directories of runit, daemontools and s6: one, or a folder full of them. */
import { basename, dirname, join } from 'node:path';
import { quoteWord } from '#core';
import { asWord } from '#plugins/selector.js';
import { convert } from '../config/convert.js';
import { origin, type Draft, type Entry, type WatcherDraft } from './draft.js';
import { linesOf, textOf, type Files } from './files.js';

/** Imports these folders. */
export function importServiceDirectories(draft: Draft, paths: readonly string[], files: Files): void {
  const folders = paths.flatMap((path) => {
    if (isService(files.list(path))) return [path];
    const inside = files
      .list(path)
      .map((name) => join(path, name))
      .filter((folder) => isService(files.list(folder)));
    if (inside.length === 0)
      draft.fail(
        { source: path },
        `"${path}" is no service directory: it has neither "run" nor "type", nor folders that have`,
      );
    return inside;
  });
  const bundles = folders.filter((folder) => fileText(files, folder, 'type')?.trim() === 'bundle');
  for (const folder of folders) if (!bundles.includes(folder)) importService(draft, folder, files);
  for (const bundle of bundles) {
    const members = namesIn(files, bundle, 'contents');
    for (const watcher of draft.watchers)
      if (watcher.ids.some((id) => members.includes(id))) watcher.groups.add(asWord(basename(bundle)));
  }
}

const isService = (names: readonly string[]): boolean => names.includes('run') || names.includes('type');

function fileText(files: Files, folder: string, name: string): string | undefined {
  return files.list(folder).includes(name) ? textOf(files, join(folder, name)) : undefined;
}

/** The names in `NAME.d/` or, as s6-rc had it before, in the lines of `NAME`. */
function namesIn(files: Files, folder: string, name: string): string[] {
  const lines = linesOf(fileText(files, folder, name) ?? '').map((line) => line.trim());
  return [...files.list(join(folder, `${name}.d`)), ...lines.filter((line) => line !== '' && !line.startsWith('#'))];
}

function importService(draft: Draft, folder: string, files: Files): void {
  const names = files.list(folder);
  const oneshot = fileText(files, folder, 'type')?.trim() === 'oneshot';
  const script = oneshot ? 'up' : 'run';
  const entry = (name: string, value = ''): Entry => ({ ...origin(join(folder, name), 1), key: name, value });
  const watcher = draft.watcher(basename(folder), origin(join(folder, script), 1), [basename(folder)]);
  importScript(watcher, entry(script), files);
  watcher.set('working_dir', folder, entry(script));
  if (oneshot) watcher.set('respawn', false, entry('type'));
  if (names.includes('down')) {
    if (oneshot) watcher.report(entry('down'), 'nothing is run when a oneshot is taken back');
    else watcher.set('autostart', false, entry('down'));
  }
  for (const name of files.list(join(folder, 'env'))) {
    const value = fileText(files, join(folder, 'env'), name) ?? '';
    // The first line counts; a NUL stands for a line break.
    if (value === '') watcher.report(entry(`env/${name}`), 'a variable is set or not, but not taken away');
    else
      watcher.env.set(
        name,
        value
          .split('\n', 1)[0]!
          .replace(/[ \t]+$/, '')
          .replaceAll('\0', '\n'),
      );
  }
  for (const target of [...namesIn(files, folder, 'dependencies')]) {
    for (const key of ['after', 'requires'] as const)
      watcher.relations.push({ key, target, from: entry('dependencies') });
  }
  const value = (name: string): string | undefined => fileText(files, folder, name)?.trim();
  const ready = value('notification-fd');
  if (ready !== undefined)
    whole(watcher, entry('notification-fd', ready), (fd) => watcher.set('ready.fd', fd, entry('notification-fd')));
  const kill = value('timeout-kill');
  if (kill !== undefined)
    whole(watcher, entry('timeout-kill', kill), (ms) => {
      if (ms > 0) watcher.set('graceful_timeout', ms / 1000, entry('timeout-kill'));
      else watcher.report(entry('timeout-kill'), 'circusd waits for a time that has an end');
    });
  const up = value('timeout-up');
  if (up !== undefined && ready !== undefined)
    whole(watcher, entry('timeout-up', up), (ms) => {
      if (ms > 0) watcher.set('ready.timeout', ms / 1000, entry('timeout-up'));
    });
  const signal = value('down-signal');
  if (signal !== undefined) watcher.set('stop_signal', signal, entry('down-signal'));
  if (names.includes('check')) watcher.set('ready.exec', join(folder, 'check'), entry('check'));
  if (names.includes('finish')) importFinish(watcher, entry('finish'), value('timeout-finish'), files);
  if (names.includes('log'))
    importLog(watcher, entry('log/run', fileText(files, join(folder, 'log'), 'run') ?? ''), folder);
  for (const [name, why, hint] of unmapped) if (names.includes(name)) watcher.report(entry(name), why, hint);
}

const unmapped = [
  ['control', 'signals are sent as they are', 'stop_signal, send_hup and hooks.before_signal are options'],
  [
    'producer-for',
    'the output of one watcher is not the input of another',
    'stdout_stream.* says where the output goes',
  ],
  [
    'consumer-for',
    'the output of one watcher is not the input of another',
    'stdout_stream.* says where the output goes',
  ],
  ['pipeline-name', 'the output of one watcher is not the input of another', undefined],
  [
    'max-death-tally',
    'nothing counts the ends of a process like this',
    'flapping.* says what happens when a program ends too often',
  ],
  ['instances', 'instances are made by numprocesses', undefined],
] as const;

/** A script is run where it is; one that cannot be run as a program, by its text. */
function importScript(watcher: WatcherDraft, entry: Entry, files: Files): void {
  const read = files.read(entry.source);
  if (typeof read !== 'string') watcher.draft.tell(read);
  else if (files.isExecutable(entry.source)) watcher.run([entry.source], entry);
  else if (entry.key === 'up') watcher.run(['execlineb', '-P', entry.source], entry);
  else
    watcher.runShell(
      linesOf(read)
        .filter((line) => !/^\s*(#.*)?$/.test(line))
        .join('\n'),
      entry,
    );
}

/** It gets the exit code, or what stands for a signal, and the signal's number, as runit and s6 give them. */
const finishCall = [
  'code=$CIRCUS_EXIT_CODE signal=0',
  'case $code in -*) signal=${code#-} code=$1;; esac',
  'exec "$0" "$code" "$signal" "$CIRCUS_WATCHER"',
].join('; ');

/** The script that is run after each end. */
function importFinish(watcher: WatcherDraft, entry: Entry, timeout: string | undefined, files: Files): void {
  if (!files.isExecutable(entry.source)) {
    watcher.report(entry, `"${entry.source}" cannot be run as a program`);
    return;
  }
  // s6 says 256 where runit says -1.
  const isS6 =
    timeout !== undefined ||
    ['notification-fd', 'type'].some((name) => files.list(dirname(entry.source)).includes(name));
  const words = ['sh', '-c', finishCall, entry.source, isS6 ? '256' : '-1'];
  if (!watcher.set('hooks.after_reap', `exec:${words.map(quoteWord).join(' ')}`, entry)) return;
  watcher.report(entry, 'the next start does not wait for it');
  if (timeout !== undefined)
    whole(watcher, { ...entry, key: 'timeout-finish', value: timeout }, (ms) => {
      if (ms > 0) watcher.set('hooks.timeout', ms / 1000, entry);
    });
}

/** The loggers that everybody uses write a folder with a file `current`, and have sizes and numbers as defaults. */
function importLog(watcher: WatcherDraft, entry: Entry, folder: string): void {
  const [, program, rest] = /(?:^|[\s/])(svlogd|multilog|s6-log)\s+([^\n]*)/.exec(entry.value) ?? [];
  const words = rest?.split(/\s+/) ?? [];
  const target = words.findLast((word) => /^\.{0,2}\//.test(word));
  if (program === undefined || target === undefined) {
    watcher.report(entry, 'the output goes where that of circusd goes', 'stdout_stream.* says where the output goes');
    return;
  }
  const number = (letter: string): number | undefined => {
    const word = words.findLast((one) => new RegExp(`^${letter}\\d+$`).test(one));
    return word === undefined ? undefined : Number(word.slice(1));
  };
  const file = join(target.startsWith('/') ? target : join(folder, 'log', target), 'current');
  if (!watcher.stream('stdout', file, entry)) return;
  watcher.set('stdout_stream.max_bytes', number('s') ?? (program === 'svlogd' ? 1_000_000 : 99_999), entry);
  watcher.set('stdout_stream.backup_count', number('n') ?? 10, entry);
  watcher.report(
    entry,
    `${program} is not run: circusd writes "${file}" itself, and names old files current.1, current.2 and so on`,
  );
}

function whole(watcher: WatcherDraft, entry: Entry, use: (number: number) => void): void {
  const converted = convert('count', entry.value);
  if ('wrong' in converted) watcher.report(entry, `it ${converted.wrong}`);
  else use(Number(converted.value));
}
