/** Parts of one watcher's spec in another: what a change puts over what runs. */
import type { WatcherSpec } from '#core';
import { protective } from './schema.js';

/** A spec with some keys of another: the kernel's own, and those of plugins in its options. */
export function withKeys(spec: WatcherSpec, target: WatcherSpec, keys: readonly string[]): WatcherSpec {
  const own: Record<string, unknown> = {};
  const options: Record<string, unknown> = { ...spec.options };
  for (const key of keys) {
    // Not the value in the change: secrets are masked there.
    if (Object.hasOwn(target, key)) own[key] = target[key as keyof WatcherSpec];
    else if (Object.hasOwn(target.options, key)) options[key] = target.options[key];
    else delete options[key];
  }
  return { ...spec, ...own, options: Object.freeze(options) };
}

/** A spec with what takes rights away in another one, where it has nothing about them itself. */
export function restricted(spec: WatcherSpec, { needs, options }: WatcherSpec): WatcherSpec {
  const added = Object.entries(options).filter(([key]) => protective.has(key) && !Object.hasOwn(spec.options, key));
  return {
    ...spec,
    needs: [...new Set([...spec.needs, ...needs])],
    options: Object.freeze({ ...spec.options, ...Object.fromEntries(added) }),
  };
}
