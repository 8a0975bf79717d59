/** Imports a Compose file, already read as data: what it says about the programs, not about their containers. */
import { splitWords } from '#core';
import { parseEnvFile } from '../config/env-file.js';
import type { Tree } from '../config/tree.js';
import { fillText } from './compose-variables.js';
import { entriesIn, itemsIn, mapTexts, textIn, valueIn } from './data.js';
import { applyRules, origin, type Draft, type Entry, type Origin, type Rules, type WatcherDraft } from './draft.js';
import { importHealth } from './compose-health.js';
import { limitRules, importResources } from './compose-limits.js';
import { beside, textOf, type Files } from './files.js';
import { secondsIn } from './systemd-unit.js';

/** Imports the services of a file. */
export function importCompose(draft: Draft, path: string, data: Tree, files: Files): void {
  const services = valueIn(data, 'services');
  if (services?.kind !== 'mapping') {
    draft.fail(origin(path, services?.line), 'there are no services: a Compose file has a mapping "services"');
    return;
  }
  const dotenv = beside(path, '.env');
  const { variables: known, problems } = parseEnvFile(textOf(files, dotenv) ?? '', dotenv);
  problems.forEach((problem) => draft.tell(problem));
  const variables = new Map(known.map(({ key, value }) => [key, value]));
  for (const { key, line } of entriesIn(data).filter((entry) => !/^(services|version|name|x-.*)$/.test(entry.key)))
    draft.report(origin(path, line), `"${key}"`, aboutContainers);
  for (const { key, value, line } of services.entries) {
    const from = origin(path, line);
    if (value.kind !== 'mapping') draft.fail(from, `service "${key}" should be a mapping of settings, and is none`);
    else
      importService(
        draft,
        key,
        from,
        mapTexts(value, (text) => fillText(text, variables)),
        files,
      );
  }
  if (draft.watchers.length === 0) return;
  const why = 'programs, folders and users are those of this machine now, and no longer those of an image';
  draft.report({ source: path }, 'the containers', why, 'check cmd, working_dir and uid');
}

const aboutContainers = 'it is about containers, and a program of circusd has none';

function importService(draft: Draft, name: string, from: Origin, service: Tree, files: Files): void {
  const watcher = draft.watcher(name, from);
  const entries = entriesIn(service).map(({ key, value, line }): Entry<Tree> => ({
    ...origin(from.source, line),
    key,
    value,
  }));
  const entryOf = (key: string): Entry<Tree> | undefined => entries.find((entry) => entry.key === key);
  importCommand(watcher, entryOf('entrypoint'), entryOf('command'), from);
  if (watcher.cmd === undefined) return;
  const envFile = entryOf('env_file');
  for (const item of itemsIn(envFile?.value)) {
    const path = beside(from.source, textIn(valueIn(item, 'path') ?? item));
    watcher.envFile(path, textOf(files, path), envFile!);
  }
  watcher.set('graceful_timeout', 10, { ...from, key: 'stop_grace_period', value: 10 });
  if (!entryOf('restart') && !valueIn(entryOf('deploy')?.value, 'restart_policy'))
    watcher.set('respawn', false, { ...from, key: 'restart', value: 'no' });
  const own = entries.filter(({ key }) => !key.startsWith('x-'));
  applyRules(watcher, own, { ...rules, ...limitRules(service) }, aboutContainers);
  const health = entryOf('healthcheck');
  // Swarm replaces a service that is not healthy; Compose itself only says that it is not.
  if (health) importHealth(watcher, health, valueIn(entryOf('deploy')?.value, 'restart_policy') !== undefined);
}

function importCommand(
  watcher: WatcherDraft,
  entrypoint: Entry<Tree> | undefined,
  command: Entry<Tree> | undefined,
  from: Origin,
): void {
  const entry = command ?? entrypoint ?? { ...from, key: 'command' };
  const wordsIn = (one: Entry<Tree> | undefined): string[] =>
    one?.value.kind === 'list' ? one.value.items.map(textIn) : splitWords(textIn(one?.value));
  try {
    const words = [...wordsIn(entrypoint), ...wordsIn(command)];
    const what = { ...entry, value: words };
    if (words.length > 0) watcher.run(words, what);
    else {
      const hint = 'write the command into the file, and import again';
      watcher.report(what, 'only the image knows what it runs, so the service is left out', hint);
    }
    if (words.length > 0 && entrypoint === undefined)
      watcher.report(what, 'an entrypoint of the image would stand in front of it', 'check cmd');
  } catch {
    watcher.draft.fail(entry, `the quotes in ${entry.key} are not balanced, so "${watcher.name}" is left out`);
  }
}

const seconds = (key: string) => (watcher: WatcherDraft, entry: Entry<Tree>) => {
  const text = textIn(entry.value);
  const span = secondsIn(text);
  if (span === undefined || span === Infinity) watcher.report(entry, `"${text}" is no span of time`);
  else watcher.set(key, span, entry);
};

const text = (key: string) => (watcher: WatcherDraft, entry: Entry<Tree>) =>
  void watcher.set(key, textIn(entry.value), entry);

const importVariables = (watcher: WatcherDraft, entry: Entry<Tree>): void => {
  // One without a value is passed on from outside, as all are.
  for (const { key, value } of entriesIn(entry.value))
    if (itemsIn(value).length > 0) watcher.env.set(key, textIn(value));
  for (const item of entry.value.kind === 'list' ? entry.value.items : []) {
    const [, name, value] = /^([^=]+)=([^]*)$/.exec(textIn(item)) ?? [];
    if (name !== undefined && value !== undefined) watcher.env.set(name, value);
  }
};

const importDependencies = (watcher: WatcherDraft, entry: Entry<Tree>): void => {
  const conditions = entriesIn(entry.value);
  const plain = entry.value.kind === 'list' ? entry.value.items.map(textIn) : [];
  for (const target of [...plain, ...conditions.map(({ key }) => key)]) {
    watcher.relations.push({ key: 'after', target, from: entry });
    const condition = conditions.find(({ key }) => key === target);
    if (textIn(valueIn(condition?.value, 'condition')) === 'service_completed_successfully')
      watcher.report(entry, `"${target}" is waited for until it has started, and not until it has ended`);
  }
};

const importDeployment = (watcher: WatcherDraft, entry: Entry<Tree>): void => {
  for (const { key, value, line } of entriesIn(entry.value)) {
    const one = { ...origin(entry.source, line), key: `deploy.${key}`, value };
    if (key === 'replicas') text('numprocesses')(watcher, one);
    else if (key === 'resources') importResources(watcher, one);
    else if (key !== 'restart_policy') watcher.report(one, aboutContainers);
    else importRestart(watcher, { ...one, value: valueIn(value, 'condition') ?? value });
  }
};

const importRestart = (watcher: WatcherDraft, entry: Entry<Tree>): void => {
  const policy = textIn(entry.value);
  if (/^(no|none|false)$/i.test(policy)) watcher.set('respawn', false, entry);
  else if (policy.startsWith('on-failure')) watcher.report(entry, 'circusd starts a program again however it ended');
};

const rules: Rules<WatcherDraft, Tree> = {
  command: null,
  entrypoint: null,
  env_file: null,
  // Circusd makes no names but the service's.
  container_name: null,
  init: null,
  environment: importVariables,
  depends_on: importDependencies,
  restart: importRestart,
  deploy: importDeployment,
  scale: text('numprocesses'),
  stop_signal: text('stop_signal'),
  stop_grace_period: seconds('graceful_timeout'),
  working_dir: text('working_dir'),
  user: (watcher, entry) => {
    const [user = '', group] = textIn(entry.value).split(':');
    if (user !== '') watcher.set('uid', user, entry);
    if (group) watcher.set('gid', group, entry);
  },
  healthcheck: null,
  profiles: (watcher, entry) => {
    watcher.set('autostart', false, entry);
    watcher.report(
      entry,
      'circusd has no profiles, so it is not started by itself',
      `start it by "circusctl start ${watcher.name}"`,
    );
  },
  ports: [
    'a program listens on the ports of this machine itself',
    'a [socket:NAME] section keeps a port open over restarts',
  ],
};
