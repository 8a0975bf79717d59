/** Imports a PM2 ecosystem file, already read as data. */
import { basename, extname } from 'node:path';
import { splitWords } from '#core';
import { asWord } from '#plugins/selector.js';
import { readSize } from '#plugins/units.js';
import { applyRules, origin, type Draft, type Entry, type Origin, type Rules, type WatcherDraft } from './draft.js';
import type { Tree } from '../config/tree.js';
import { entriesIn, isTrue, itemsIn, textIn, valueIn } from './data.js';
import { beside } from './files.js';
import { importCluster } from './pm2-cluster.js';
import { logRules, streamOf } from './pm2-logs.js';

/** What PM2 runs a script with, by its ending. */
const interpreters: Readonly<Record<string, string>> = {
  '.js': 'node',
  '.cjs': 'node',
  '.mjs': 'node',
  '.sh': 'bash',
  '.py': 'python3',
  '.rb': 'ruby',
  '.php': 'php',
  '.pl': 'perl',
};

/** Imports the apps of a file; `environment` is what `pm2 start --env` would name. */
export function importPm2(draft: Draft, path: string, data: Tree, environment: string | undefined): void {
  const inside = valueIn(data, 'apps');
  const apps = itemsIn(inside ?? data);
  if (apps.length === 0) draft.fail({ source: path }, 'there are no apps: an ecosystem file has a list "apps"');
  for (const app of apps) {
    const from = origin(path, app.line);
    if (app.kind === 'mapping') importApp(draft, app, from, environment);
    else draft.fail(from, 'an app is a mapping of settings, and this is none');
  }
  if (!inside) return;
  for (const { key, line } of entriesIn(data).filter((entry) => entry.key !== 'apps'))
    draft.report(origin(path, line), `"${key}"`, 'circusd runs programs, and does not bring them to other machines');
}

function importApp(draft: Draft, app: Tree, from: Origin, environment: string | undefined): void {
  const get = (key: string): Tree | undefined => valueIn(app, key);
  const script = textIn(get('script') ?? get('exec'));
  const own = textIn(get('name')) || basename(script.split(/\s/, 1)[0]!, extname(script)) || 'app';
  const suffix = isTrue(get('append_env_to_name')) && environment ? `-${environment}` : '';
  const watcher = draft.watcher(`${own}${suffix}`, from);
  const entries = entriesIn(app).map(({ key, value, line }): Entry<Tree> => ({
    ...origin(from.source, line),
    key,
    value,
  }));
  const entryOf = (key: string): Entry<unknown> =>
    entries.find((entry) => entry.key === key) ?? { key, value: undefined, ...from };
  const cwd = beside(from.source, textIn(get('cwd')) || '.');
  importScript(watcher, app, entryOf('script'), script);
  watcher.set('working_dir', cwd, entryOf('cwd'));
  // PM2 sends SIGINT to the whole tree, and kills after 1.6 seconds.
  watcher.set('stop_signal', 'SIGINT', entryOf('kill_signal'));
  watcher.set('stop_children', textIn(get('treekill')) !== 'false', entryOf('treekill'));
  watcher.set('graceful_timeout', 1.6, entryOf('kill_timeout'));
  for (const key of ['env', ...(environment ? [`env_${environment}`] : [])]) {
    for (const { key: name, value } of entriesIn(get(key)))
      if (itemsIn(value).length > 0) watcher.env.set(name, textIn(value));
  }
  const others = entries.filter(({ key }) => !/^env_\w/.test(key));
  for (const entry of entries.filter((one) => !others.includes(one) && one.key !== `env_${environment}`))
    watcher.report(
      entry,
      'it is one of several environments',
      `import with --env ${entry.key.slice('env_'.length)} to use it`,
    );
  applyRules(watcher, others, { ...rules, ...logRules });
  for (const name of ['stdout', 'stderr'] as const) streamOf(watcher, name, app, entryOf, cwd);
  importLimits(watcher, app, entryOf);
  importCluster(watcher, app, entryOf);
  // It is about a program that is waited for.
  if (!watcher.options.has('ready.ipc') && !watcher.options.has('sockets')) watcher.options.delete('ready.timeout');
}

/** Runs the script as PM2 does: by the interpreter that is named, by that of its ending, by a shell, or as a program. */
function importScript(watcher: WatcherDraft, app: Tree, entry: Entry<unknown>, script: string): void {
  const wordsIn = (key: string): string[] => {
    const value = valueIn(app, key);
    if (value?.kind === 'list') return value.items.map(textIn);
    try {
      return splitWords(textIn(value));
    } catch {
      watcher.draft.fail(entry, `the quotes in ${key} of "${watcher.name}" are not balanced`);
      return [];
    }
  };
  const args = wordsIn('args');
  const options = ['interpreter_args', 'node_args', 'interpreterArgs', 'nodeArgs'].flatMap(wordsIn);
  const named = textIn(valueIn(app, 'interpreter') ?? valueIn(app, 'exec_interpreter'));
  const interpreter = named || interpreters[extname(script)];
  if (/\s/.test(script) && named === '') {
    watcher.runShell([script, ...args].join(' '), entry);
    return;
  }
  const isPath = script.includes('/');
  if (interpreter === undefined && isPath && extname(script) === '')
    watcher.report(
      entry,
      'PM2 looks into the file to choose between node and the file itself; here it is node',
      'write the command into cmd',
    );
  const program = interpreter ?? (isPath && extname(script) === '' ? 'node' : 'none');
  watcher.run(program === 'none' || script === '' ? [script, ...args] : [program, ...options, script, ...args], entry);
}

/** PM2's growing pauses: how they grow, where that ends, and after what time they begin anew, in seconds. */
const growing = { factor: 1.5, longest: 15, stable: 30 };

/** An app that ends before `min_uptime` so many times in a row is given up; flapping's window is that time. */
function importLimits(watcher: WatcherDraft, app: Tree, entryOf: (key: string) => Entry<unknown>): void {
  const text = (key: string): string | undefined => {
    const value = valueIn(app, key);
    return value === undefined ? undefined : textIn(value);
  };
  const restarts = text('max_restarts');
  if (restarts !== undefined) {
    if (/^\d+$/.test(restarts)) watcher.set('flapping.max_retry', restarts, entryOf('max_restarts'));
    else watcher.report(entryOf('max_restarts'), `"${restarts}" is not a whole number`);
  }
  const uptime = text('min_uptime');
  if (uptime !== undefined) setTime(watcher, 'flapping.window', uptime, entryOf('min_uptime'));
  const backoff = text('exp_backoff_restart_delay');
  if (backoff !== undefined && backoff !== '0') {
    const entry = entryOf('exp_backoff_restart_delay');
    if (!setTime(watcher, 'flapping.retry_in', backoff, entry)) return;
    const first = Number(watcher.options.get('flapping.retry_in'));
    watcher.set('flapping.attempts', 1, entry);
    watcher.set('flapping.backoff', growing.factor, entry);
    watcher.set('flapping.retry_max', Math.max(first, growing.longest), entry);
    if (uptime === undefined) watcher.set('flapping.stable', growing.stable, entry);
    if (restarts === undefined) watcher.set('flapping.max_retry', -1, entry);
    else watcher.set('flapping.then', 'give_up', entry);
  }
  const delay = text('restart_delay');
  if (delay === undefined || delay === '0') return;
  if (!setTime(watcher, 'flapping.retry_in', delay, entryOf('restart_delay'))) return;
  watcher.report(
    entryOf('restart_delay'),
    'circusd starts a program again at once, and pauses only when it ends too often',
  );
}

/** Sets an option in seconds from a number of ms, or text such as `3s`. */
function setTime(watcher: WatcherDraft, key: string, text: string, entry: Entry<unknown>): boolean {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|)$/.exec(text.trim()) ?? [];
  const seconds = { '': 0.001, ms: 0.001, s: 1, m: 60, h: 3600 }[unit];
  if (digits !== undefined) return watcher.set(key, Math.round(Number(digits) * (seconds ?? 1) * 1000) / 1000, entry);
  watcher.report(entry, `"${text}" is no time`);
  return false;
}

const milliseconds = (key: string) => (watcher: WatcherDraft, entry: Entry<Tree>) =>
  void setTime(watcher, key, textIn(entry.value), entry);

const importInstances = (watcher: WatcherDraft, entry: Entry<Tree>): void => {
  const text = textIn(entry.value);
  if (text === 'max' || text === '0') watcher.set('numprocesses', 'cpus', entry);
  else if (/^-\d+$/.test(text)) watcher.set('numprocesses', `cpus${text}`, entry);
  else if (text !== '1') watcher.set('numprocesses', text, entry);
};

const setText = (key: string) => (watcher: WatcherDraft, entry: Entry<Tree>) =>
  void watcher.set(key, textIn(entry.value), entry);

const watchHint = ['circusd does not look at files', 'run "circusctl reload NAME" when they have changed'] as const;
const scheduleHint = ['circusd starts nothing by the clock', 'let cron run "circusctl restart NAME"'] as const;

const rules: Rules<WatcherDraft, Tree> = {
  name: null,
  script: null,
  exec: null,
  args: null,
  cwd: null,
  interpreter: null,
  exec_interpreter: null,
  interpreter_args: null,
  interpreterArgs: null,
  node_args: null,
  nodeArgs: null,
  env: null,
  append_env_to_name: null,
  treekill: null,
  max_restarts: null,
  min_uptime: null,
  restart_delay: null,
  // These four change what PM2 itself shows.
  automation: null,
  vizion: null,
  pmx: null,
  force: null,
  instances: importInstances,
  exec_mode: null,
  autorestart: (watcher, entry) => {
    if (textIn(entry.value) === 'false') watcher.set('respawn', false, entry);
  },
  autostart: (watcher, entry) => {
    if (textIn(entry.value) === 'false') watcher.set('autostart', false, entry);
  },
  kill_timeout: milliseconds('graceful_timeout'),
  wait_ready: (watcher, entry) => {
    if (isTrue(entry.value)) watcher.set('ready.ipc', 1, entry);
  },
  listen_timeout: milliseconds('ready.timeout'),
  uid: setText('uid'),
  user: setText('uid'),
  gid: setText('gid'),
  port: (watcher, entry) => {
    watcher.env.set('PORT', textIn(entry.value));
  },
  namespace: (watcher, entry) => {
    watcher.groups.add(asWord(textIn(entry.value)));
  },
  max_memory_restart: (watcher, entry) => {
    const text = textIn(entry.value).trim();
    const size = /^\d+$/.test(text) ? `${text}B` : text;
    if (readSize(size) === undefined) return watcher.report(entry, `"${text}" is no size such as 300M`);
    // PM2 looks every 30 seconds, and once is enough.
    if (!watcher.set('resources.max_memory', size, entry)) return;
    watcher.set('resources.samples', 1, entry);
    watcher.set('resources.interval', 30, entry);
  },
  cron_restart: scheduleHint,
  cron: scheduleHint,
  watch: (watcher, entry) => {
    if (textIn(entry.value) !== 'false') watcher.report(entry, ...watchHint);
  },
  ignore_watch: null,
  watch_delay: null,
  watch_options: null,
  instance_var: [
    'no variable numbers the processes',
    '$(circus.wid) in cmd, args and variables is the number of a process, from 1',
  ],
  increment_var: [
    'circusd does not count a variable up',
    '$(circus.wid) in cmd, args and variables is the number of a process, from 1',
  ],
  exp_backoff_restart_delay: null,
  stop_exit_codes: ['circusd starts a program again whatever its exit code was'],
  shutdown_with_message: ['circusd tells a program to stop by a signal', 'write stop_signal'],
  source_map_support: ['PM2 loads it into the program', 'write --enable-source-maps into cmd'],
};
