/** The configuration in effect as data: what a daemon is made from, each value with the place that it comes from. */
import { constants } from 'node:os';
import type { SocketSpec, WatcherSpec } from '#core';
import type { Configuration, ForeignSection } from './build.js';
import type { Place } from './problem.js';
import { movedKeys, sectionOwners, type MeantPlugin } from './rewrite.js';
import { schema } from './schema.js';
import { escapeShell } from './shell.js';

/** One value; without a place it is a default. */
export interface Effective {
  readonly key: string;
  readonly value: string | number | boolean | readonly string[];
  readonly place?: Place;
}

/** One section in effect. */
export interface Block {
  /** `circus`, `watcher`, `socket`, `plugin`, or the kind of a section of another plugin. */
  readonly kind: string;
  readonly name: string;
  /** Values that were written, in their order, then defaults. */
  readonly values: readonly Effective[];
}

type Places = ReadonlyMap<string, Place>;

/** All sections in effect, plugins first; with `only`, those of that name. */
export function effective(
  configuration: Configuration,
  plugins: readonly MeantPlugin[],
  only?: string,
): readonly Block[] {
  const { circus, circusPlaces, sockets, watchers, sections } = configuration;
  const moved = new Set(movedKeys(plugins));
  const own = Object.entries(circus).filter(([key]) => !moved.has(key) && key !== 'include' && key !== 'include_dir');
  const umask = circus.umask === undefined ? {} : { umask: circus.umask.toString(8).padStart(3, '0') };
  const all: readonly Block[] = [
    block('circus', '', { ...Object.fromEntries(own), ...umask }, circusPlaces),
    ...plugins.map(pluginBlock),
    ...sockets.map(({ spec, places }) => block('socket', spec.name, socketValues(spec, places), places)),
    ...watchers.map(watcherBlock),
    ...sections.filter(({ kind }) => !(kind in sectionOwners)).map(foreignBlock),
  ];
  return only === undefined
    ? all
    : all.filter(({ kind, name }) => name === only || kind === only || `${kind}:${name}` === only);
}

/** The name of a block's section. */
export function sectionOf({ kind, name }: Block): string {
  return name === '' ? kind : `${kind}:${name}`;
}

function block(kind: string, name: string, values: Readonly<Record<string, unknown>>, places: Places): Block {
  const shown = Object.entries(values).flatMap(([key, value]): Effective[] => {
    const place = places.get(key);
    if (value === null || value === undefined) return [];
    if (place === undefined && (value === '' || (Array.isArray(value) && value.length === 0))) return [];
    return [place === undefined ? { key, value: plain(value) } : { key, value: plain(value), place }];
  });
  const rank = [...places.keys()];
  const written = shown.filter(({ place }) => place !== undefined);
  written.sort((one, other) => rank.indexOf(one.key) - rank.indexOf(other.key));
  return { kind, name, values: [...written, ...shown.filter(({ place }) => place === undefined)] };
}

function plain(value: unknown): Effective['value'] {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return Array.isArray(value) ? value.map(String) : JSON.stringify(value);
}

/** A plugin of Circus is shown by the class, which says more than our name: its clients see such a one as a watcher. */
function pluginBlock({ name, use, circusClass, options, priority, places }: MeantPlugin): Block {
  return block('plugin', name, { use: circusClass ?? use, priority, ...options }, new Map(Object.entries(places)));
}

function foreignBlock({ kind, name, options, origins }: ForeignSection): Block {
  return block(kind, name, options, new Map(Object.entries(origins)));
}

function socketValues({ name: _, ...spec }: SocketSpec, places: Places): Readonly<Record<string, unknown>> {
  const { family: _family, host, port, umask, ...unix } = spec;
  if (spec.path === null) return spec;
  const access = places.has('mode') ? { mode: (0o777 & ~umask).toString(8).padStart(4, '0') } : { umask };
  return { ...unix, ...access, ...(places.has('host') && { host }), ...(places.has('port') && { port }) };
}

const fields = schema.watcher.map(({ key }) => key);

function watcherBlock({ spec, places, variables }: Configuration['watchers'][number]): Block {
  const { options } = spec;
  const header = typeof options.__name__ === 'string' ? options.__name__.replace(/^watcher:/, '') : spec.name;
  const values: Record<string, unknown> = header === spec.name ? {} : { name: spec.name };
  const own: Readonly<Record<string, unknown>> = { ...spec };
  for (const key of fields) if (key !== 'name' && key !== 'env' && Object.hasOwn(own, key)) values[key] = own[key];
  values.stop_signal = signalText(spec);
  for (const [key, value] of Object.entries(options)) if (key !== '__name__') values[key] = value;

  const known = new Map<string, Place>(places);
  for (const [name, { value, ...place }] of variables) {
    values[`env.${name}`] = value;
    known.set(`env.${name}`, place);
  }
  if (places.get('sockets') === undefined) delete values.sockets;
  // Circus fills in $NAME in variables once more, which only a shell's double dollar prevents.
  if (![...variables.values()].some(({ value }) => /\$[A-Z]/.test(value)))
    return block('watcher', header, values, known);
  for (const [key, value] of Object.entries(values)) {
    if (typeof value === 'string' && !key.startsWith('hooks.')) values[key] = escapeShell(value);
  }
  return block(
    'watcher',
    header,
    { ...values, expand: 'shell' },
    new Map([...known].filter(([key]) => key !== 'expand')),
  );
}

function signalText({ stop_signal: signal }: WatcherSpec): string | number {
  return Object.entries(constants.signals).find(([, number]) => number === signal)?.[0] ?? signal;
}
