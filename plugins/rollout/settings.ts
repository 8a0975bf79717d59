/** What a watcher says about its reloads, and what is wrong with it. */
import { stopPlan, type WatcherSpec } from '#core';
import * as v from 'valibot';
import type { Flaw } from '../flaw.js';
import { objectionTo } from '../exec.js';
import { prefixedFlaws } from '../schema.js';
import { fields, schema, type Drain, type Given } from './schema.js';

/** How the processes of a watcher are replaced; times in ms. */
export interface Settings {
  /** How many at once. */
  readonly batch: number;
  readonly stopFirst: boolean;
  readonly pause: number;
  /** How many copies a reload begins with, before it waits; undefined: it does not wait. */
  readonly canary: number | undefined;
  /** After this time it goes on by itself; undefined: never. */
  readonly canaryTime: number | undefined;
  readonly drain: Drain | undefined;
}

const prefix = 'reload.';
const known = new WeakMap<WatcherSpec, Settings>();

/** The keys that are right by themselves. */
function given({ options }: WatcherSpec): Given {
  const wrong = new Set(prefixedFlaws(prefix, fields, options).map(({ key }) => key));
  const own = Object.entries(options).filter(
    ([key, value]) => key.startsWith(prefix) && value != null && !wrong.has(key),
  );
  return v.parse(schema, Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value])));
}

/** What a watcher says about its reloads; what is wrong in it has no effect. */
export function settingsOf(spec: WatcherSpec): Settings {
  const found = known.get(spec) ?? readSettings(spec);
  known.set(spec, found);
  return found;
}

function readSettings(spec: WatcherSpec): Settings {
  const { batch = 1, surge, pause = 0, canary, canary_time, canary_share, order, drain } = given(spec);
  const stopFirst = spec.singleton || order === 'stop_first' || surge === 0;
  const share = Math.min(canary_share?.(spec.numprocesses) ?? 1, surge || Infinity);
  return {
    batch: stopFirst ? batch : Math.min(batch, surge ?? batch),
    stopFirst,
    pause,
    canary: canary && !stopFirst ? share : undefined,
    canaryTime: canary_time,
    drain,
  };
}

/** What is wrong with the keys of a watcher; commands are looked for from `folder`. */
export function flawsOf(spec: WatcherSpec, folder: string): readonly Flaw[] {
  const options = Object.fromEntries(Object.entries(spec.options).filter(([, value]) => value != null));
  const flaws = prefixedFlaws(prefix, fields, options);
  return flaws.length > 0 ? flaws : [...contradictions(spec, given(spec)), ...drainFlaws(spec, given(spec), folder)];
}

/** Keys that are right by themselves, and not together. */
function contradictions({ singleton, numprocesses }: WatcherSpec, keys: Given): readonly Flaw[] {
  const { batch = 1, surge, canary, canary_time, canary_share, order } = keys;
  const flaws: Flaw[] = [];
  const wrong = (name: keyof Given, message: string) => void flaws.push({ key: prefix + name, message });
  const copies = canary_share?.(numprocesses);
  if (singleton && surge) wrong('surge', `is ${surge}, and of a singleton there are never two processes`);
  if (singleton && order === 'start_first')
    wrong('order', 'is start_first, and of a singleton there are never two processes');
  if (singleton && batch > 1) wrong('batch', `is ${batch}, and a singleton has a single process`);
  if (order === 'stop_first' && surge) wrong('surge', `is ${surge}, and "reload.order" is stop_first`);
  if (order === 'start_first' && surge === 0) wrong('surge', 'is 0, and "reload.order" is start_first');
  if (canary && (singleton || order === 'stop_first' || surge === 0))
    wrong('canary', 'needs a new copy beside the old ones, and the old ones are stopped first');
  if (!canary && canary_time !== undefined) wrong('canary_time', 'needs "reload.canary = 1"');
  if (!canary && canary_share !== undefined) wrong('canary_share', 'needs "reload.canary = 1"');
  if (copies !== undefined && copies > Math.max(1, numprocesses))
    wrong('canary_share', `is ${copies}, and "numprocesses" is only ${numprocesses}`);
  if (copies !== undefined && surge && copies > surge)
    wrong('canary_share', `means ${copies} copies, and "reload.surge" allows only ${surge} more`);
  return flaws;
}

function drainFlaws(spec: WatcherSpec, { drain }: Given, folder: string): readonly Flaw[] {
  const key = `${prefix}drain`;
  if (!drain) return [];
  const { signal, grace } = stopPlan(spec);
  if (grace === 0) return [{ key, message: 'has no time: "graceful_timeout" is 0' }];
  if ('signal' in drain)
    return drain.signal === signal ? [{ key, message: 'is the stop signal, which comes anyway', likely: true }] : [];
  const message = objectionTo(drain.words, folder);
  return message === undefined ? [] : [{ key, message }];
}
