/** The effective configuration as INI text: what a daemon is made from, with the place that each section comes from. */
import type { SocketSpec, WatcherSpec } from '#core';
import type { Configuration, Origin } from './build.js';
import type { MeantPlugin } from './rewrite.js';

/** A value as the dialect reads it back; undefined for one that is not there. */
function textOf(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return value.length > 0 ? value.join(', ') : undefined;
  if (value === '') return '""';
  return String(value).replaceAll('\n', '\n    ');
}

function section(name: string, origin: Origin | undefined, values: Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(values).flatMap(([key, value]) => {
    const text = textOf(value);
    return text === undefined ? [] : `${key} = ${text}`;
  });
  return [
    `# ${origin ? `${origin.file}:${origin.line}` : 'nothing is written: the default'}`,
    `[${name}]`,
    ...lines,
  ].join('\n');
}

function watcherValues({
  name: _name,
  env: _env,
  options,
  needs: _needs,
  ...spec
}: WatcherSpec): Record<string, unknown> {
  const { __name__, ...own } = options;
  return { ...spec, ...own };
}

const socketValues = ({ name: _name, ...spec }: SocketSpec): Record<string, unknown> =>
  spec.path === null ? spec : { ...spec, family: undefined, host: undefined, port: undefined };

/** All sections that are in effect, plugins first; with `only`, those whose name is or ends in it. */
export function showConfiguration(
  { circus, sockets, watchers, file }: Configuration,
  plugins: readonly MeantPlugin[],
  only?: string,
): string {
  const { endpoint, pubsub_endpoint, stats_endpoint, multicast_endpoint, endpoint_owner, check_delay, ...own } = circus;
  const named = (name: string) => only === undefined || name === only || name.split(':').slice(1).join(':') === only;
  const all: readonly (readonly [string, Origin | undefined, Readonly<Record<string, unknown>>])[] = [
    ['circus', { file, line: 1 }, own],
    ...plugins.map(({ name, use, origin, options }) => [`plugin:${name}`, origin, { use, ...options }] as const),
    ...sockets.map(({ spec, origin }) => [`socket:${spec.name}`, origin, socketValues(spec)] as const),
    ...watchers.map(({ spec, origin }) => [`watcher:${spec.name}`, origin, watcherValues(spec)] as const),
    ...watchers.flatMap(({ spec, origin }) =>
      spec.env && Object.keys(spec.env).length > 0 && !spec.copy_env
        ? [[`env:${spec.name}`, origin, spec.env] as const]
        : [],
    ),
  ];
  return `${all
    .filter(([name]) => named(name))
    .map((row) => section(...row))
    .join('\n\n')}\n`;
}
