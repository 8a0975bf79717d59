/** By which rules a watcher is judged. */
import type { Watcher, WatcherSpec } from '#core';
import type { GrowingLimits, Limits } from './intensity.js';
import { asks, asksForMore, readOwn, type Options } from './options.js';

/** Circus's window, and what the growing pauses are without a word about them; times in ms. */
const defaults = { window: 1000, stable: 30_000, backoff: 2, retry_max: 60_000, jitter: 0.1, retry_later: 60_000 };

/** The rules for a watcher; times in ms. */
export type Settings = { readonly active: boolean } & (
  ({ readonly policy: 'circus' } & Limits) | ({ readonly policy: 'backoff' } & GrowingLimits)
);

/** Tells the rules for watchers, each worked out once; `section` is what that of the plugin says. */
export function settingsUnder(section: Options): (watcher: Pick<Watcher, 'spec'>) => Settings {
  const known = new WeakMap<WatcherSpec, Settings>();
  return ({ spec }) => {
    const settings = known.get(spec) ?? settingsOf(section, spec);
    known.set(spec, settings);
    return settings;
  };
}

/** The rules for a watcher, whose options go over those of the section: growing pauses where anything is said that Circus does not have. */
export function settingsOf(section: Options, spec: Pick<WatcherSpec, 'options'>): Settings {
  const options = { ...section, ...readOwn(spec) };
  const { attempts, retry_in, max_retry, window, only_asked } = options;
  const active = options.active && (!only_asked || asks(spec));
  const policy = options.policy ?? (asksForMore(options, spec) ? 'backoff' : 'circus');
  const common = { active, attempts, retry_in, max_retry };
  if (policy === 'circus') return { ...common, policy, window: window ?? defaults.window };
  return {
    ...common,
    policy,
    stable: options.stable ?? window ?? defaults.stable,
    backoff: options.backoff ?? defaults.backoff,
    retry_max: options.retry_max ?? Math.max(defaults.retry_max, retry_in),
    jitter: options.jitter ?? defaults.jitter,
    atLast: options.then ?? 'retry_later',
    retry_later: options.retry_later ?? defaults.retry_later,
  };
}
