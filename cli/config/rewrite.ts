/** Circus's switches in `[circus]`, and keys that load a plugin, as the plugin sections that they mean: the one place for it. */
import type { CircusOptions, Configuration, Origin } from './build.js';

/** A plugin section, written or meant. */
export interface MeantPlugin {
  readonly name: string;
  readonly use: string;
  readonly options: Readonly<Record<string, string>>;
  /** Undefined when nothing in the file says it: a default. */
  readonly origin: Origin | undefined;
}

const controllerKeys = [
  'endpoint',
  'pubsub_endpoint',
  'stats_endpoint',
  'multicast_endpoint',
  'endpoint_owner',
  'check_delay',
] as const satisfies readonly (keyof CircusOptions)[];

/** The plugins that a configuration means; `ownerOf` tells which first-party plugin a watcher key loads. */
export function meantPlugins(
  configuration: Configuration,
  ownerOf: (key: string) => string | undefined,
): readonly MeantPlugin[] {
  const written: MeantPlugin[] = configuration.plugins.map(({ name, use, options, origin }) => ({
    name,
    use,
    options,
    origin,
  }));
  const has = (use: string) => written.some((plugin) => plugin.use === use || plugin.name === use);
  const meant: MeantPlugin[] = [];
  if (configuration.circus.endpoint !== '') {
    const options = controllerOptions(configuration.circus);
    if (!has('controller')) meant.push({ name: 'controller', use: 'controller', options, origin: undefined });
    else
      written.splice(
        0,
        written.length,
        ...written.map((plugin) =>
          plugin.use === 'controller' ? { ...plugin, options: { ...options, ...plugin.options } } : plugin,
        ),
      );
  }
  for (const { spec, origin } of configuration.watchers) {
    for (const key of Object.keys(spec.options)) {
      const owner = ownerOf(key);
      if (owner === undefined || has(owner) || meant.some(({ use }) => use === owner)) continue;
      meant.push({ name: owner, use: owner, options: {}, origin });
    }
  }
  return [...meant, ...written];
}

function controllerOptions(circus: CircusOptions): Record<string, string> {
  const given = controllerKeys.flatMap((key) =>
    circus[key] === undefined ? [] : [[key, String(circus[key])] as const],
  );
  return Object.fromEntries(given);
}
