/** What stays as it was when the files are read again and a part of them is broken: nothing sound is stopped for that. */
import type { WatcherSpec } from '#core';
import { statSync } from 'node:fs';
import type { Configuration } from './build.js';
import type { Comparable } from './diff.js';
import type { Place, Problem } from './problem.js';
import type { MeantPlugin } from './rewrite.js';
import type { Written } from './sections.js';

/** Where a thing comes from: its section, and all files that say something about it. */
interface Source {
  readonly section: string;
  readonly files: ReadonlySet<string>;
}

/** A configuration that is compared, with the sources of its things by `KIND:NAME` in lower case. */
export interface Traced extends Comparable {
  readonly sources: ReadonlyMap<string, Source>;
}

type Kind = 'watcher' | 'socket' | 'plugin';

const keyOf = (kind: Kind, name: string): string => `${kind}:${name}`.toLowerCase();

/** Where everything in a configuration comes from. */
export function sourcesOf(
  { watchers, sockets }: Configuration,
  plugins: readonly MeantPlugin[],
): ReadonlyMap<string, Source> {
  const source = (section: string, places: readonly Partial<Place>[]): Source => ({
    section,
    files: new Set(places.flatMap(({ file }) => file ?? [])),
  });
  return new Map([
    ...watchers.map(({ spec, origin, places, variables }): [string, Source] => [
      keyOf('watcher', spec.name),
      source(origin.section, [origin, ...places.values(), ...variables.values()]),
    ]),
    ...sockets.map(({ spec, origin, places }): [string, Source] => [
      keyOf('socket', spec.name),
      source(origin.section, [origin, ...places.values()]),
    ]),
    // What no section says is a default, or a switch of the daemon's own section.
    ...plugins.map(({ name, origin, places }): [string, Source] => [
      keyOf('plugin', name),
      source(origin?.section ?? 'circus', [origin ?? {}, ...Object.values(places)]),
    ]),
  ]);
}

/** Sections that every watcher may have something of. */
const shared = /^(?:DEFAULT$|env(?:$|:)|defaults(?:$|:)|group:|watcher:\*$)/;

/**
 * The new configuration, but with the old form of everything whose section has an error now, or of which a part stands
 * in a file that has an error outside of all sections, or can't be read. `loadedBy` tells the plugins that a watcher needs.
 */
export function withKept(
  old: Traced,
  fresh: Traced,
  { written, problems }: { readonly written: Written; readonly problems: readonly Problem[] },
  loadedBy: (spec: WatcherSpec) => readonly string[],
): Traced {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const broken = new Set(errors.map(({ section }) => section));
  const isLost = lostFiles(written, errors);
  const sharedIsBroken = [...broken].some((section) => section !== undefined && shared.test(section));
  const stays = (kind: Kind, name: string): boolean => {
    const before = old.sources.get(keyOf(kind, name));
    const section = (before ?? fresh.sources.get(keyOf(kind, name)))?.section;
    return broken.has(section) || (kind === 'watcher' && sharedIsBroken) || [...(before?.files ?? [])].some(isLost);
  };
  const needed = new Set(old.watchers.filter(({ name }) => stays('watcher', name)).flatMap(loadedBy));
  const meant = new Set(fresh.plugins.map(({ use }) => use));
  const goes = (name: string): boolean => {
    const use = old.plugins.find((plugin) => plugin.name === name)?.use;
    return use === undefined || meant.has(use) || !needed.has(use);
  };
  const mixed = mix(old, fresh, (kind, name) => stays(kind, name) || (kind === 'plugin' && !goes(name)));
  return broken.has('circus') ? { ...mixed, circus: old.circus } : mixed;
}

/** A configuration in which things have their old form where `stays` says so: also none, when they had none before. */
export function mix(old: Traced, fresh: Traced, stays: (kind: Kind, name: string) => boolean): Traced {
  const sources = new Map(fresh.sources);
  const choose = <T extends { readonly name: string }>(kind: Kind, before: readonly T[], after: readonly T[]) => {
    const kept = before.filter(({ name }) => stays(kind, name));
    for (const { name } of kept) {
      const source = old.sources.get(keyOf(kind, name));
      if (source) sources.set(keyOf(kind, name), source);
    }
    return [...after.filter(({ name }) => !stays(kind, name)), ...kept];
  };
  return {
    circus: fresh.circus,
    watchers: choose('watcher', old.watchers, fresh.watchers),
    sockets: choose('socket', old.sockets, fresh.sockets),
    plugins: choose('plugin', old.plugins, fresh.plugins),
    sources,
  };
}

/** Tells the files of which nobody knows what they say now. */
function lostFiles({ file: main, files, unread }: Written, errors: readonly Problem[]): (file: string) => boolean {
  const lost = new Set(unread);
  for (const { file, section } of errors) if (section === undefined) lost.add(file);
  const read = new Set(files);
  // What the main file includes may be what can't be understood in it.
  return (file) => {
    if (!lost.has(file) && !read.has(file)) (lost.has(main) || isOutOfReach(file) ? lost : read).add(file);
    return lost.has(file);
  };
}

/** True for a file that may be there, in a folder that can't be looked into. */
function isOutOfReach(file: string): boolean {
  try {
    statSync(file);
    return false;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code !== 'ENOENT' && code !== 'ENOTDIR';
  }
}
