/** Imports systemd services, one unit file each, with their drop-ins. */
import { applyRules, type Draft, type Entry, type Rules, type WatcherDraft } from './draft.js';
import { setGroupLimit } from './cgroup.js';
import { beside, textOf, type Files } from './files.js';
import { importHooks, importStart, lists, type Unit } from './systemd-exec.js';
import { affinity, importRights, isYes, limit } from './systemd-limits.js';
import { importSteps, importTimes, setSeconds } from './systemd-times.js';
import { importSockets, isSocketUnit, readSocketUnit, withPartners } from './systemd-socket.js';
import {
  effective,
  expandSpecifiers,
  readUnit,
  secondsIn,
  splitUnit,
  unitName,
  type UnitEntry,
} from './systemd-unit.js';

/** Imports these units, with the socket units beside them; they may name each other. */
export function importSystemd(draft: Draft, paths: readonly string[], files: Files): void {
  const all = withPartners(paths, files);
  const units = all.filter((path) => !isSocketUnit(path)).flatMap((path) => importUnit(draft, path, files) ?? []);
  const sockets = all.filter(isSocketUnit).flatMap((path) => readSocketUnit(draft, path, files) ?? []);
  importSockets(draft, sockets, units);
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
  importHooks(unit);
  importRights(unit);
  importTimes(unit);
  importSteps(unit);
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
  // Otherwise whoever may send notices would be waited for.
  else if (value('NotifyAccess') === 'all') watcher.set('ready.notify', 0, from);
  if (value('Type') === 'notify-reload') watcher.set('send_hup', true, from);
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

const relation =
  (key: 'after' | 'requires' | 'wants') =>
  (watcher: WatcherDraft, entry: Entry): void => {
    for (const target of entry.value.split(/\s+/)) watcher.relations.push({ key, target, from: entry });
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

const hinted = (why: string, hint: string) => [why, hint] as const;
const group = (name: Parameters<typeof setGroupLimit>[1]) => (watcher: WatcherDraft, entry: Entry) => {
  if (name !== 'cpu_max' && entry.value.endsWith('%')) watcher.report(entry, 'circusd knows no shares of the machine');
  else if (!(name === 'cpu_max' && entry.value === 'infinity'))
    setGroupLimit(watcher, name, entry.value === 'infinity' ? 'max' : entry.value, entry);
};

const rules: Rules<WatcherDraft, string> = {
  Description: null,
  Documentation: null,
  WantedBy: null,
  RequiredBy: null,
  Also: null,
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
  NotifyAccess: (watcher, entry) => {
    if (entry.value === 'all') watcher.set('notify', 'all', entry);
  },
  ExecStart: null,
  // Hooks, or a signal.
  ExecStartPre: null,
  ExecStartPost: null,
  ExecStop: null,
  ExecStopPost: null,
  ExecReload: null,
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
  CPUAffinity: affinity,
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
  FinalKillSignal: null,
  SendSIGHUP: null,
  SendSIGKILL: (watcher, entry) => {
    if (!isYes(entry.value)) watcher.report(entry, 'circusd leaves nothing of a program behind');
  },
  NoNewPrivileges: (watcher, entry) => void watcher.set('no_new_privileges', isYes(entry.value), entry),
  // These make one option with others.
  SupplementaryGroups: null,
  AmbientCapabilities: null,
  CapabilityBoundingSet: null,
  IOSchedulingClass: null,
  IOSchedulingPriority: null,
  CPUSchedulingPolicy: null,
  CPUSchedulingPriority: null,
  TimeoutStopSec: null,
  TimeoutStartSec: null,
  TimeoutSec: null,
  StartLimitBurst: null,
  StartLimitIntervalSec: null,
  StartLimitInterval: null,
  RuntimeMaxSec: (watcher, entry) => setSeconds(watcher, 'max_age', entry),
  RuntimeRandomizedExtraSec: (watcher, entry) => setSeconds(watcher, 'max_age_variance', entry),
  StandardOutput: stream('stdout'),
  StandardError: stream('stderr'),
  StandardInput: (watcher, entry) => {
    if (!/^(null|socket)$/.test(entry.value)) watcher.report(entry, 'the standard input is /dev/null');
  },
  Sockets: null,
  NonBlocking: null,
  WatchdogSec: (watcher, entry) => {
    if (secondsIn(entry.value) !== 0) setSeconds(watcher, 'alive.notify', entry);
  },
  MemoryMax: group('memory_max'),
  MemoryHigh: group('memory_high'),
  MemoryLimit: group('memory_max'),
  CPUQuota: group('cpu_max'),
  CPUWeight: group('cpu_weight'),
  TasksMax: group('pids_max'),
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
