/** What first-party plugins have against the options of watchers, found out before they are loaded. */
import type { SocketSpec, WatcherSpec } from '#core';
import type { Flaw, Judge } from '#plugins/flaw.js';
import type { ManifestEntry } from '#plugins/manifest.js';
import { ownerOfKey } from './find.js';

type Load = NonNullable<ManifestEntry['judge']>;

/** The section of a plugin, by our name for it. */
export interface Section {
  readonly use: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** What is wrong with each of these watchers, among all of them; only judges that have something to judge are loaded. */
export async function flawsOf(
  specs: readonly WatcherSpec[],
  sockets: readonly SocketSpec[],
  sections: readonly Section[],
  folder: string,
  watchers = specs,
): Promise<readonly (readonly Flaw[])[]> {
  const judges = new Map<Load, Promise<Judge>>();
  const judgeOf = (load: Load) => {
    const judge = judges.get(load) ?? load().then((module) => module.judge(folder));
    judges.set(load, judge);
    return judge;
  };
  return Promise.all(
    specs.map(async (spec) => {
      const owners = new Set(Object.keys(spec.options).flatMap((key) => ownerOfKey(key) ?? []));
      const all = [...owners].map(async ({ name, judge: load }) => {
        const section = sections.find(({ use }) => use === name)?.options ?? {};
        return load ? (await judgeOf(load))(spec.options, { spec, sockets, section, watchers }) : [];
      });
      return (await Promise.all(all)).flat();
    }),
  );
}
