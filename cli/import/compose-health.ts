/** The health checks of Compose: what is waited for at a start, and what is looked at later. */
import { quoteWord } from '#core';
import type { Tree } from '../config/tree.js';
import { entriesIn, isTrue, itemsIn, textIn, valueIn } from './data.js';
import { origin, type Entry, type WatcherDraft } from './draft.js';
import { secondsIn } from './systemd-unit.js';

/** What Docker does when nothing is written, in seconds. */
const usual = { interval: 30, timeout: 30, retries: 3, start_period: 0 };
const times = ['interval', 'timeout', 'start_period', 'start_interval'];

/** Maps `healthcheck` to `ready.exec`, and to `alive.exec` where who is not healthy is replaced. */
export function importHealth(watcher: WatcherDraft, entry: Entry<Tree>, isReplaced: boolean): void {
  const test = valueIn(entry.value, 'test');
  const words = test?.kind === 'list' ? test.items.map(textIn) : ['CMD-SHELL', textIn(test)];
  if (isTrue(valueIn(entry.value, 'disable')) || words[0] === 'NONE' || itemsIn(test).length === 0) return;
  const line = words[0] === 'CMD' ? words.slice(1) : ['sh', '-c', words.slice(1).join(' ')];
  const command = line.map(quoteWord).join(' ');
  if (!watcher.set('ready.exec', command, entry)) return;
  const settings = settingsIn(watcher, entry);
  importReady(watcher, settings, entry);
  if (isReplaced) importAlive(watcher, command, settings, entry);
}

type Settings = ReadonlyMap<string, number>;

function settingsIn(watcher: WatcherDraft, entry: Entry<Tree>): Settings {
  const settings = new Map<string, number>();
  for (const { key, value, line } of entriesIn(entry.value)) {
    const one = { ...origin(entry.source, line), key: `healthcheck.${key}`, value };
    const text = textIn(value);
    const isCount = key === 'retries' && /^\d{1,6}$/.test(text);
    const number = isCount ? Number(text) : times.includes(key) ? secondsIn(text) : undefined;
    // Nothing at all, as a number, means what is usual.
    if (number !== undefined && number !== Infinity) settings.set(key, number);
    else if (times.includes(key)) watcher.report(one, `"${text}" is no span of time`);
    else if (key === 'retries') watcher.report(one, `"${text}" is not a whole number`);
    else if (key !== 'test' && key !== 'disable') watcher.report(one, 'the importer does not know it');
  }
  for (const [key, number] of settings) if (number === 0) settings.delete(key);
  return settings;
}

function importReady(watcher: WatcherDraft, settings: Settings, entry: Entry<unknown>): void {
  const of = (key: keyof typeof usual) => settings.get(key) ?? usual[key];
  const timeout = settings.get('timeout');
  const interval = settings.get('start_interval') ?? settings.get('interval');
  // Here a probe is over before the next one begins.
  const pause = timeout === undefined ? interval : Math.max(interval ?? 0, timeout);
  if (pause !== undefined) watcher.set('ready.interval', pause, entry);
  if (timeout !== undefined) watcher.set('ready.probe_timeout', timeout, entry);
  // So long it takes until Docker calls it unhealthy.
  if (settings.has('retries') || settings.has('start_period'))
    watcher.set('ready.timeout', of('start_period') + of('retries') * (of('interval') + of('timeout')), entry);
}

function importAlive(watcher: WatcherDraft, command: string, settings: Settings, entry: Entry<unknown>): void {
  const of = (key: keyof typeof usual) => settings.get(key) ?? usual[key];
  watcher.set('alive.exec', command, entry);
  watcher.set('alive.interval', Math.max(of('interval'), of('timeout')), entry);
  watcher.set('alive.timeout', of('timeout'), entry);
  watcher.set('alive.failure_threshold', of('retries'), entry);
}
