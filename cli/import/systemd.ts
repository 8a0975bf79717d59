/** Imports systemd services, one unit file each, with their drop-ins. */
import { applyRules, type Draft, type Entry, type Rules, type WatcherDraft } from './draft.js';
import { beside, textOf, type Files } from './files.js';
import { hookOf, importStart, lists, type Unit } from './systemd-exec.js';
import {
  effective,
  expandSpecifiers,
  readUnit,
  secondsIn,
  splitUnit,
  unitName,
  type UnitEntry,
} from './systemd-unit.js';

/** Imports these units; they may name each other. */
export function importSystemd(draft: Draft, paths: readonly string[], files: Files): void {
  const units = paths.flatMap((path) => importUnit(draft, path, files) ?? []);
  for (const { watcher, entries } of units) {
    for (const entry of entries.filter(({ key }) => key === 'Before')) {
      for (const target of entry.value.split(/\s+/)) {
        const later = units.find((unit) => unit.watcher.ids.includes(target));
        if (later) later.watcher.relations.push({ key: 'after', target: watcher.ids[0]!, from: entry });
      }
    }
  }
}

function importUnit(draft: Draft, path: string, files: Files): Unit | undefined {
  const text = files.read(path);
  if (typeof text !== 'string') {
    draft.tell(text);
    return undefined;
  }
  const dropIns = files.find(`${path}.d/*.conf`).map((file) => readUnit(draft, file, textOf(files, file) ?? ''));
  const all = effective([readUnit(draft, path, text), ...dropIns].flat(), (key) => lists.has(key));
  const { full, prefix, instance } = unitName(path);
  const from = all.find(({ key }) => key === 'ExecStart') ?? { source: path };
  const watcher = draft.watcher(instance ? `${prefix}@${instance}` : prefix, from, [full]);
  const entries = all.map((entry): UnitEntry => {
    const value = expandSpecifiers(entry.value, path, (specifier) => {
      watcher.report(entry, `the importer does not know what ${specifier} stands for, so it stays as it is`);
    });
    return { ...entry, value };
  });
  if (instance === '')
    draft.report(
      { source: path },
      `the instance of ${full}`,
      'a template has none: %i became the wid of the process, 1, 2 and so on',
      'set numprocesses, or import a file whose name holds the instance',
    );
  const unit: Unit = { watcher, entries, value: (key) => entries.findLast((entry) => entry.key === key)?.value };
  importVariables(unit, files);
  importStart(unit);
  importDefaults(unit);
  applyRules(watcher, entries, rules, 'this is something that systemd does and circusd does not');
  importTimes(unit);
  return unit;
}

/** What systemd does when nothing is written. */
function importDefaults({ watcher, value, entries }: Unit): void {
  const from = entries[0] ?? { ...watcher.origin, key: 'Restart', value: '' };
  const notifies = value('Type')?.startsWith('notify') ?? false;
  if (value('Restart') === undefined || value('Type') === 'oneshot') watcher.set('respawn', false, from);
  if ((value('KillMode') ?? 'control-group') === 'control-group') watcher.set('stop_children', true, from);
  watcher.set('graceful_timeout', 90, from);
  if (notifies) watcher.set('ready.notify', 1, from);
}

function importVariables({ watcher, entries }: Unit, files: Files): void {
  for (const entry of entries.filter(({ key }) => key === 'Environment')) {
    for (const pair of splitUnit(entry.value) ?? []) {
      const equals = pair.indexOf('=');
      if (equals < 1) watcher.report(entry, `${JSON.stringify(pair)} is not NAME=value`);
      else watcher.env.set(pair.slice(0, equals), pair.slice(equals + 1));
    }
  }
  for (const entry of entries.filter(({ key }) => key === 'EnvironmentFile')) {
    const pattern = entry.value.replace(/^-/, '');
    for (const path of /[*?[]/.test(pattern) ? files.find(pattern) : [pattern]) {
      // Here the file counts more than the unit; circusd sees it the other way round.
      for (const name of watcher.envFile(path, textOf(files, path), entry)) watcher.env.delete(name);
    }
  }
}

function importTimes({ watcher, entries, value }: Unit): void {
  const from = (key: string): UnitEntry | undefined => entries.findLast((entry) => entry.key === key);
  const both = from('TimeoutSec');
  const stop = from('TimeoutStopSec') ?? both;
  const start = from('TimeoutStartSec') ?? both;
  if (stop) setSeconds(watcher, 'graceful_timeout', stop);
  if (start && watcher.options.has('ready.notify')) setSeconds(watcher, 'ready.timeout', start);
  else if (start) watcher.report(start, 'only a program that tells when it is ready can be too late');
  const burst = from('StartLimitBurst');
  const interval = from('StartLimitIntervalSec') ?? from('StartLimitInterval');
  const limit = burst ?? interval;
  if (!limit || value('Restart') === undefined) return;
  const seconds = interval ? secondsIn(interval.value) : 10;
  const attempts = burst ? Number(burst.value) : 5;
  if (seconds === undefined || seconds === Infinity || !Number.isInteger(attempts))
    watcher.report(limit, `"${limit.value}" is no limit`);
  else if (seconds === 0 || attempts === 0) watcher.set('flapping.active', false, limit);
  else {
    watcher.set('flapping.attempts', attempts, limit);
    watcher.set('flapping.window', seconds, limit);
    watcher.set('flapping.max_retry', 0, limit);
  }
}

function setSeconds(watcher: WatcherDraft, key: string, entry: Entry): void {
  const seconds = secondsIn(entry.value);
  if (seconds === undefined) watcher.report(entry, `"${entry.value}" is no span of time`);
  else if (seconds === Infinity) watcher.report(entry, 'circusd waits for a time that has an end');
  else watcher.set(key, seconds, entry);
}

const relation =
  (key: 'after' | 'requires' | 'wants') =>
  (watcher: WatcherDraft, entry: Entry): void => {
    for (const target of entry.value.split(/\s+/)) watcher.relations.push({ key, target, from: entry });
  };

const limit = (watcher: WatcherDraft, entry: Entry): void => {
  const [soft = '', hard = soft] = entry.value.split(':');
  const [, digits, unit = ''] = /^(\d+)\s*([KMGTPE]?)$/i.exec(hard.trim()) ?? [];
  const key = `rlimit_${entry.key.slice('Limit'.length).toLowerCase()}`;
  if (hard.trim() === 'infinity') watcher.set(key, '', entry);
  else if (digits === undefined) watcher.report(entry, `"${entry.value}" is not a number`);
  else watcher.set(key, Number(digits) * 1024 ** ' KMGTPE'.indexOf(unit.toUpperCase() || ' '), entry);
  if (soft !== hard) watcher.report(entry, `the soft limit ${soft} became ${hard} too: circusd sets both to one value`);
};

const stream =
  (name: 'stdout' | 'stderr') =>
  (watcher: WatcherDraft, entry: Entry): void => {
    const [, how, file] = /^(file|append|truncate):(.+)$/.exec(entry.value) ?? [];
    if (file !== undefined) {
      watcher.stream(name, file, entry);
      if (how === 'truncate') watcher.report(entry, 'the file is not emptied at a start');
    } else if (entry.value === 'null') watcher.set(`close_child_${name}`, true, entry);
    else if (entry.value !== 'inherit')
      watcher.report(entry, 'the output goes where that of circusd goes, which is the journal when systemd runs it');
  };

const hook = (key: string) => (watcher: WatcherDraft, entry: Entry) => hookOf(watcher, key, entry);
const hinted = (why: string, hint: string) => [why, hint] as const;
const group = (key: string) => (watcher: WatcherDraft, entry: Entry) => {
  if (key !== 'cgroup.cpu_max' && entry.value.endsWith('%'))
    watcher.report(entry, 'circusd knows no shares of the machine');
  else watcher.set(key, entry.value === 'infinity' ? 'max' : entry.value, entry);
};

const rules: Rules<WatcherDraft, string> = {
  Description: null,
  Documentation: null,
  WantedBy: null,
  Before: null,
  After: relation('after'),
  Requires: relation('requires'),
  BindsTo: relation('requires'),
  Wants: relation('wants'),
  Type: (watcher, entry) => {
    if (entry.value === 'forking')
      watcher.report(
        entry,
        'a program that goes into the background is lost to circusd',
        'give the program its option to stay in the foreground',
      );
    else if (entry.value === 'dbus')
      watcher.report(entry, 'circusd does not look at the bus, and takes it for started at once');
  },
  PIDFile: ['circusd knows the process that it started', 'give the program its option to stay in the foreground'],
  NotifyAccess: null,
  ExecStart: null,
  ExecStartPre: hook('before_spawn'),
  ExecStartPost: hook('after_start'),
  ExecStop: hook('before_stop'),
  ExecStopPost: hook('after_stop'),
  ExecReload: hook(''),
  Environment: null,
  EnvironmentFile: null,
  // All variables of the daemon are passed on.
  PassEnvironment: null,
  WorkingDirectory: (watcher, entry) => {
    const folder = entry.value.replace(/^-/, '');
    if (folder === '~') watcher.report(entry, "the importer does not know the user's home", 'write working_dir');
    else watcher.set('working_dir', beside('/', folder), entry);
  },
  User: 'uid',
  Group: 'gid',
  UMask: 'umask',
  Nice: 'nice',
  OOMScoreAdjust: 'oom_score_adj',
  CPUAffinity: 'cpu_affinity',
  Restart: (watcher, entry) => {
    if (entry.value === 'no') watcher.set('respawn', false, entry);
    else if (entry.value !== 'always') watcher.report(entry, 'circusd starts a program again however it ended');
  },
  RestartSec: hinted(
    'circusd starts a program again at once, and later only if it ends too often',
    'flapping.retry_in is the pause then',
  ),
  KillSignal: 'stop_signal',
  KillMode: (watcher, entry) => {
    if (/^(process|none)$/.test(entry.value)) watcher.report(entry, 'circusd leaves nothing of a program behind');
  },
  TimeoutStopSec: null,
  TimeoutStartSec: null,
  TimeoutSec: null,
  StartLimitBurst: null,
  StartLimitIntervalSec: null,
  StartLimitInterval: null,
  RuntimeMaxSec: (watcher, entry) => setSeconds(watcher, 'max_age', entry),
  StandardOutput: stream('stdout'),
  StandardError: stream('stderr'),
  StandardInput: (watcher, entry) => {
    if (entry.value === 'socket')
      watcher.report(
        entry,
        'the socket unit was not imported',
        'write a [socket:NAME] section and stdin_socket = NAME',
      );
    else if (entry.value !== 'null') watcher.report(entry, 'the standard input is /dev/null');
  },
  Sockets: hinted('socket units are not imported', 'write [socket:NAME] sections, sockets = NAME and listen_fds = 1'),
  WatchdogSec: hinted('heartbeats are not options of a watcher', 'alive.* can look after the program'),
  MemoryMax: group('cgroup.memory_max'),
  MemoryHigh: group('cgroup.memory_high'),
  MemoryLimit: group('cgroup.memory_max'),
  CPUQuota: group('cgroup.cpu_max'),
  CPUWeight: group('cgroup.cpu_weight'),
  TasksMax: group('cgroup.pids_max'),
  SyslogIdentifier: ['the journal names what circusd passes on after circusd'],
  ...Object.fromEntries(
    [
      'AS',
      'CORE',
      'CPU',
      'DATA',
      'FSIZE',
      'LOCKS',
      'MEMLOCK',
      'MSGQUEUE',
      'NICE',
      'NOFILE',
      'NPROC',
      'RSS',
      'RTPRIO',
      'RTTIME',
      'SIGPENDING',
      'STACK',
    ].map((name) => [`Limit${name}`, limit]),
  ),
};
