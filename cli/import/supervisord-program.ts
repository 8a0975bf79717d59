/** Imports what supervisord runs: `[program:NAME]` and `[fcgi-program:NAME]`. */
import { dirname } from 'node:path';
import { asWord } from '#plugins/selector.js';
import { reference } from './command.js';
import { applyRules, type Draft, type Entry, type Rules, type WatcherDraft } from './draft.js';
import { expandText, variablesIn, type SupervisordSection } from './supervisord-file.js';
import { importSocket } from './supervisord-socket.js';

const mostCopies = 1000;
const filled = ['command', 'environment', 'directory', 'stdout_logfile', 'stderr_logfile'];

/** Adds the watchers of one program: one, or one for each process where the processes differ by more than their names. */
export function importProgram(draft: Draft, section: SupervisordSection): void {
  const name = section.name.slice(section.name.indexOf(':') + 1).trim();
  if (!section.entries.has('command')) {
    draft.report(section, `[${section.name}]`, 'it says nothing to run, so it is left out');
    return;
  }
  const value = (key: string): string => section.entries.get(key)?.value ?? '';
  const copies = wholeIn(value('numprocs') || '1') ?? NaN;
  const first = wholeIn(value('numprocs_start') || '0') ?? 0;
  const numbered = filled.filter((key) => value(key).includes('%(process_num)'));
  // Where supervisord counts from 1 too, the number is what circusd calls wid; a stream has none.
  const plain = numbered.every((key) => /^(command|environment)$/.test(key) && !/%\(process_num\)\d/.test(value(key)));
  const own = numbered.length > 0 && !(first === 1 && plain) && copies > 1 && copies <= mostCopies;
  for (let number = first; number < first + (own ? copies : 1); number++) {
    const before = draft.unmapped.length;
    const entries = [...section.entries.values()].map((entry) =>
      expandEntry(draft, entry, name, own || copies === 1 ? number : undefined),
    );
    importProcess(draft, section, name, new Map(entries.map((entry) => [entry.key, entry])), own);
    // What is so for all processes is said for the first.
    if (number > first) draft.unmapped.length = before;
  }
  const numprocs = section.entries.get('numprocs');
  const watcher = draft.watchers.at(-1)!;
  if (own || !numprocs) return;
  watcher.set('numprocesses', expandEntry(draft, numprocs, name, undefined).value, numprocs);
  if (numbered.length > 0 && copies !== 1 && !(first === 1 && plain))
    watcher.report(
      numprocs,
      `%(process_num) in ${numbered.join(', ')} became the wid of the process, which counts from 1`,
    );
}

function expandEntry(draft: Draft, entry: Entry, program: string, number: number | undefined): Entry {
  const value = expandText(entry.value, (name) => {
    if (name.startsWith('ENV_')) return reference(`env.${name.slice(4)}`);
    if (name === 'here') return dirname(entry.source);
    if (name === 'program_name' || name === 'group_name') return program;
    return name === 'process_num' ? (number ?? reference('wid')) : undefined;
  });
  for (const [left] of value.matchAll(/%\(\w*\)\w?/g))
    draft.report(
      entry,
      `"${left}" in ${entry.key} of "${program}"`,
      'the importer does not know what it stands for, so it stays as it is',
    );
  return { ...entry, value };
}

function importProcess(
  draft: Draft,
  section: SupervisordSection,
  program: string,
  entries: ReadonlyMap<string, Entry>,
  own: boolean,
): void {
  const process = entries.get('process_name')?.value ?? program;
  const named = process.toLowerCase().includes(program.toLowerCase()) ? process : `${program}-${process}`;
  const watcher = draft.watcher(own ? named : program, section, [program]);
  if (own) watcher.groups.add(asWord(program));
  watcher.set('graceful_timeout', 10, { ...section, key: 'stopwaitsecs', value: 10 });
  applyRules(watcher, entries.values(), rules);
  importLog(watcher, entries, 'stdout', 'stdout');
  const joined = /^(true|yes|on|1)$/i.test(entries.get('redirect_stderr')?.value ?? '');
  importLog(watcher, entries, joined ? 'stdout' : 'stderr', 'stderr');
  importRetries(watcher, entries);
  if (section.name.startsWith('fcgi-')) importSocket(watcher, entries);
}

/** A program that ends before `startsecs` so many times in a row is given up; flapping's window is that time. */
function importRetries(watcher: WatcherDraft, entries: ReadonlyMap<string, Entry>): void {
  const retries = entries.get('startretries');
  if (!retries) return;
  const count = wholeIn(retries.value);
  const seconds = wholeIn(entries.get('startsecs')?.value ?? '1') ?? 1;
  if (count === undefined) watcher.report(retries, `"${retries.value}" is not a whole number`);
  else watcher.set('flapping.max_retry', count, retries);
  if (count !== undefined && seconds > 1) watcher.set('flapping.window', seconds, retries);
}

const withoutEvents = ['supervisord sends what is captured as events, and circusd has none of this kind'] as const;
const rules: Rules<WatcherDraft, string> = {
  command: (watcher, entry) => watcher.runLine(entry.value, entry),
  process_name: null,
  numprocs: null,
  numprocs_start: null,
  directory: 'working_dir',
  umask: 'umask',
  user: 'uid',
  autostart: 'autostart',
  stopsignal: 'stop_signal',
  stopwaitsecs: 'graceful_timeout',
  stopasgroup: 'stop_children',
  // The whole tree is killed in any case.
  killasgroup: null,
  startsecs: 'ready_after',
  startretries: null,
  priority: (watcher, entry) => {
    const lower = wholeIn(entry.value);
    if (lower === undefined) watcher.report(entry, `"${entry.value}" is not a whole number`);
    else if (lower !== 999) watcher.set('priority', 999 - lower, entry);
  },
  autorestart: (watcher, entry) => {
    const word = entry.value.toLowerCase();
    if (word === 'unexpected') watcher.report(entry, 'circusd also starts a program again that ended as expected');
    else watcher.set('respawn', entry.value, entry);
  },
  exitcodes: ['circusd starts a program again whatever its exit code was'],
  environment: (watcher, entry) => {
    for (const [name, value] of variablesIn(watcher.draft, entry)) watcher.env.set(name, value);
  },
  redirect_stderr: null,
  stdout_logfile: null,
  stderr_logfile: null,
  stdout_logfile_maxbytes: null,
  stderr_logfile_maxbytes: null,
  stdout_logfile_backups: null,
  stderr_logfile_backups: null,
  stdout_capture_maxbytes: withoutEvents,
  stderr_capture_maxbytes: withoutEvents,
  stdout_events_enabled: withoutEvents,
  stderr_events_enabled: withoutEvents,
  stdout_syslog: [
    'the system log is not a stream of the configuration',
    'leave the output to circusd, and that to the journal',
  ],
  stderr_syslog: [
    'the system log is not a stream of the configuration',
    'leave the output to circusd, and that to the journal',
  ],
  serverurl: [
    "it tells programs where supervisord listens; circusd's address is in CIRCUSCTL_ENDPOINT or circusctl --endpoint",
  ],
  socket: null,
  socket_backlog: null,
  socket_mode: null,
  socket_owner: null,
};

/** Where the output goes: supervisord keeps 10 files of 50 MB unless told otherwise. */
function importLog(
  watcher: WatcherDraft,
  entries: ReadonlyMap<string, Entry>,
  from: 'stdout' | 'stderr',
  to: 'stdout' | 'stderr',
): void {
  const entry = entries.get(`${from}_logfile`);
  const file = entry?.value;
  if (!entry || !file || /^auto$/i.test(file) || /^\/dev\/(std(out|err)|fd\/[12])$/.test(file)) return;
  if (/^(none|off|\/dev\/null)$/i.test(file)) {
    watcher.set(`close_child_${to}`, true, entry);
    return;
  }
  if (/^syslog$/i.test(file)) {
    watcher.report(
      entry,
      'the system log is not a stream of the configuration',
      'leave the output to circusd, and that to the journal',
    );
    return;
  }
  const bytes = entries.get(`${from}_logfile_maxbytes`);
  const backups = entries.get(`${from}_logfile_backups`);
  const size = bytesIn(bytes?.value ?? '50MB');
  const count = wholeIn(backups?.value ?? '10');
  if (!watcher.stream(to, file, entry)) return;
  if (size === undefined) watcher.report(bytes!, `"${bytes!.value}" is not a size such as 50MB`);
  else if (size > 0) watcher.set(`${to}_stream.max_bytes`, size, bytes ?? entry);
  if (count === undefined) watcher.report(backups!, `"${backups!.value}" is not a whole number`);
  else if (size !== 0) watcher.set(`${to}_stream.backup_count`, count, backups ?? entry);
}

function wholeIn(text: string): number | undefined {
  return /^-?\d{1,9}$/.test(text.trim()) ? Number(text) : undefined;
}

function bytesIn(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,12})\s*([kmg]b)?$/i.exec(text.trim()) ?? [];
  const power = { '': 0, kb: 1, mb: 2, gb: 3 }[unit.toLowerCase()] ?? 0;
  return digits === undefined ? undefined : Number(digits) * 1024 ** power;
}
