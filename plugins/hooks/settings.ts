/** The hooks of a watcher, read from its options, and what is wrong with them. */
import { resolve } from 'node:path';
import { reasonOf, type WatcherSpec } from '#core';
import type { Flaw } from '../flaw.js';
import { nearest } from '../nearest.js';
import { programOf } from '../program.js';
import { readSeconds } from '../units.js';
import { isPoint, pointNames, type PointName } from './points.js';
import { readSetting, type Setting } from './setting.js';

/** The hooks of one watcher. */
export interface Settings {
  readonly hooks: ReadonlyMap<PointName, Setting>;
  /** How long one call may take, in ms. */
  readonly timeout: number;
  /** The Python that runs Python functions, by name or path. */
  readonly python: string;
}

const prefix = 'hooks.';
const fallback = { timeout: 60, python: 'python3' };
const known = new WeakMap<WatcherSpec, Settings>();

/** True for an option of this plugin. */
export const isHook = (key: string): boolean => key.startsWith(prefix);

/** The hooks of a spec; what is wrong in it has no effect. */
export function settingsOf(spec: WatcherSpec): Settings {
  const found = known.get(spec) ?? readAll(spec, () => undefined);
  known.set(spec, found);
  return found;
}

/** What can be seen to be wrong with the hooks of a spec without running anything. */
export function flawsIn(spec: WatcherSpec, folder: string): readonly Flaw[] {
  const flaws: Flaw[] = [];
  const { hooks } = readAll(spec, (flaw) => void flaws.push(flaw));
  for (const [point, { target, text }] of hooks) {
    if (target.kind !== 'command') continue;
    try {
      programOf(target.words[0]!, folder);
    } catch (error) {
      flaws.push({ key: prefix + point, message: `has the command "${text}": ${reasonOf(error)}` });
    }
  }
  return flaws;
}

function readAll({ options }: WatcherSpec, tell: (flaw: Flaw) => void): Settings {
  const hooks = new Map<PointName, Setting>();
  const { [`${prefix}timeout`]: timeout = fallback.timeout, [`${prefix}python`]: python = fallback.python } = options;
  const seconds = readSeconds(String(timeout)) ?? NaN;
  const isTime = seconds > 0;
  if (!isTime) tell({ key: `${prefix}timeout`, message: `must be seconds above 0, and is ${JSON.stringify(timeout)}` });
  for (const [key, value] of Object.entries(options)) {
    const point = key.slice(prefix.length);
    if (!isHook(key) || point === 'timeout' || point === 'python') continue;
    if (!isPoint(point)) {
      const meant = nearest(point, pointNames);
      const hint = meant === undefined ? `: they are ${pointNames.join(', ')}` : ` (did you mean "${prefix}${meant}"?)`;
      tell({ key, message: `is no hook${hint}, so it is never called`, likely: true });
      continue;
    }
    try {
      hooks.set(point, readSetting(value));
    } catch (error) {
      tell({ key, message: reasonOf(error) });
    }
  }
  return { hooks, timeout: (isTime ? seconds : fallback.timeout) * 1000, python: String(python) };
}

/** The program that runs Python functions; a path is seen from the folder of the configuration. */
export function pythonOf(spec: WatcherSpec, folder: string): string {
  const { python } = settingsOf(spec);
  return python.includes('/') ? resolve(folder, python) : python;
}
