/** Plugins in the daemon whose sections were written for Circus, where they are watchers that operators stop and start. */
import type { Host } from '#core';
import type { InnerPlugin } from '#plugins/controller/service.js';
import type { Assembled } from './assemble.js';
import type { MeantPlugin } from '../config/rewrite.js';

const priorityInCircus = 1;

/** What there is of them, loaded or not. */
export class InnerPlugins {
  readonly #host: () => Host;
  readonly #loaded: Map<string, string>;
  #sections: ReadonlyMap<string, Assembled> = new Map();

  /** `loaded` holds sections to the plugins that were loaded for them, where changes are noted too. */
  constructor(host: () => Host, loaded: Map<string, string>) {
    this.#host = host;
    this.#loaded = loaded;
  }

  /** Takes over those that are in effect: in their new form, or as they were where that is broken. */
  take(meant: readonly MeantPlugin[], fresh: readonly Assembled[]): void {
    const known = new Map([...this.#sections, ...fresh.map((section) => [section.name, section] as const)]);
    const sections = meant.flatMap(({ name, circusClass }) =>
      circusClass === undefined ? [] : (known.get(name) ?? []),
    );
    this.#sections = new Map(sections.map((section) => [section.name, section]));
  }

  get list(): readonly InnerPlugin[] {
    return [...this.#sections.values()].map((section) => ({
      name: `plugin:${section.name}`,
      circusClass: section.circusClass ?? section.use,
      priority: section.priority ?? priorityInCircus,
      options: section.options,
      active: this.#isLive(section),
    }));
  }

  /** Loads or unloads one, by `plugin:NAME`; resolves with false when that was so already. @throws Error */
  async switch(name: string, on: boolean): Promise<boolean> {
    const section = [...this.#sections.values()].find((one) => `plugin:${one.name}` === name);
    if (!section) throw new Error(`there is no [${name}] any more`);
    if (this.#isLive(section) === on) return false;
    if (on) {
      const [failure] = await this.#host().load([section]);
      if (failure) throw failure.error;
      this.#loaded.set(section.name, section.plugin.name);
    } else {
      this.#loaded.delete(section.name);
      await this.#host().unload(section.plugin.name);
    }
    return true;
  }

  #isLive({ plugin }: Assembled): boolean {
    return this.#host().plugins.includes(plugin.name);
  }
}
