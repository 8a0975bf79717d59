/** Loads plugins that no section means, because an option that came at run time needs them. */
import type { Host } from '#core';
import { firstParty, unwritten } from '../plugins/find.js';

/** Loads each of them once. */
export class NeededPlugins {
  readonly #host: () => Host;
  readonly #loaded: Map<string, string>;
  readonly #loading = new Map<string, Promise<void>>();

  /** `loaded` holds sections to the plugins that were loaded for them, where these are put too. */
  constructor(host: () => Host, loaded: Map<string, string>) {
    this.#host = host;
    this.#loaded = loaded;
  }

  /** Resolves when the plugin is live. @throws Error when there is none of this name, or it can't be loaded */
  need(name: string): Promise<void> {
    const loading = this.#loading.get(name) ?? this.#load(name).finally(() => this.#loading.delete(name));
    this.#loading.set(name, loading);
    return loading;
  }

  async #load(name: string): Promise<void> {
    const host = this.#host();
    if (host.plugins.includes(name)) return;
    const own = await firstParty(name)?.load();
    if (!own) throw new Error(`this version has no plugin "${name}"`);
    const [failure] = await host.load([{ plugin: own.default, options: unwritten(name) }]);
    if (failure) throw failure.error;
    this.#loaded.set(name, name);
  }
}
