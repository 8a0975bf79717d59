/** A spec as it is written down: without secrets, and without what is no part of a version. */
import { createHash } from 'node:crypto';
import { watcherSpec, type WatcherSpec } from '#core';

/** Longer ones are not kept, in bytes. */
const longest = 64 * 1024;

/** The fields of a spec, but its name, the number of its processes, and the values of its secrets. */
export type KeptSpec = Readonly<Record<string, unknown>>;

/** JSON that is the same for the same value, in whatever order its keys were set. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`).join(',')}}`;
}

const isDaemons = ([name, value]: readonly [string, string]) => process.env[name] === value;

/**
 * The text that is the same for the same version of a spec. What comes from the daemon's own environment is kept by name, and
 * not even so where all of it is copied: it is another one after each start, and may have secrets in it.
 */
function textOf({ name: _name, numprocesses: _number, env, ...rest }: WatcherSpec): string {
  const open = Object.entries(env ?? {}).filter(([name]) => !rest.secrets.includes(name));
  const inherited = rest.copy_env ? [] : open.filter(isDaemons).map(([name]) => name);
  const own = Object.fromEntries(open.filter((entry) => !isDaemons(entry)));
  return canonical({ ...rest, env: env && own, inherited: inherited.sort() });
}

/** Tells versions of a spec apart; secrets and the number of processes don't count. */
export const hashOf = (spec: WatcherSpec): string => createHash('sha256').update(textOf(spec)).digest('hex');

/** Undefined for a spec that is too long, or has a secret in another place than its variable. */
export function keptSpec(spec: WatcherSpec): KeptSpec | undefined {
  const text = textOf(spec);
  const secrets = spec.secrets.flatMap((name) => spec.env?.[name] || []);
  const isOpen = secrets.some((secret) => text.includes(JSON.stringify(secret).slice(1, -1)));
  return text.length > longest || isOpen ? undefined : (JSON.parse(text) as KeptSpec);
}

/**
 * A kept spec in place of a present one, which lends it its name, the number of its processes, and its secrets.
 * @throws Error when it has no such secret any more
 */
export function restored(kept: KeptSpec, present: WatcherSpec): WatcherSpec {
  const { inherited = [], ...fields } = kept as Partial<WatcherSpec> & { readonly inherited?: readonly string[] };
  const { env, secrets = [], copy_env } = fields;
  const borrowed = secrets.map((name) => {
    const value = present.env?.[name];
    if (value === undefined)
      throw new Error(`the secret "${name}" is not kept, and "${present.name}" has none of this name any more`);
    return [name, value] as const;
  });
  const daemons = copy_env
    ? Object.entries(present.env ?? {}).filter(isDaemons)
    : inherited.map((name) => [name, process.env[name] ?? ''] as const);
  const { name, cmd, numprocesses } = present;
  return watcherSpec({
    cmd,
    ...fields,
    env: env == null ? null : { ...Object.fromEntries([...daemons, ...borrowed]), ...env },
    name,
    numprocesses: fields.singleton ? Math.min(numprocesses, 1) : numprocesses,
  });
}
