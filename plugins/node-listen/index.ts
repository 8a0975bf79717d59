/** Has `listen` of unmodified Node programs mean the inherited socket of that address. */
import { fstatSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import * as v from 'valibot';
import { definePlugin, type Arbiter, type ProcessSpec } from '#core';
import { refuse } from '../flaw.js';
import { standard } from '../schema.js';
import { endSignal, strangeSignal } from './end.js';
import { variable, type Inheritance, type Inherited } from './inherited.js';
import { flawsIn, isMapped } from './options.js';

/** The sockets that a process inherits and could listen on. */
function inheritedBy({ files }: ProcessSpec, { sockets }: Arbiter): readonly Inherited[] {
  return [...sockets.values()].flatMap(({ fd, port, spec: { name, type, host, path, backlog } }) => {
    const file = files[fd];
    if (type !== 'SOCK_STREAM' || typeof file !== 'object' || !('descriptor' in file)) return [];
    const { ino: inode } = fstatSync(file.descriptor);
    return { fd, inode, name, host, port, path: path === null ? null : resolve(path), backlog };
  });
}

export default definePlugin({
  name: 'node-listen',
  options: standard(v.strictObject({})),
  apply({ arbiter, hooks, log }) {
    const preload = createRequire(import.meta.url).resolve('circusd/listen');
    const option = `--require ${JSON.stringify(preload)}`;

    hooks.watcherSpec.tap('node-listen', (spec) => {
      refuse(flawsIn(spec));
    });
    hooks.watcherUpdated.tap('node-listen', (watcher, keys) => {
      const signal = keys.some((key) => /^stop_(signal|steps)$/.test(key)) ? strangeSignal(watcher) : undefined;
      if (signal !== undefined)
        log.warn(`${watcher.name}: its processes would be cut off by ${signal}, and only new ones are not: reload it`);
    });
    hooks.spawnSpec.tap('node-listen', (process, _watcher, { spec }) => {
      if (!isMapped(spec)) return undefined;
      const inheritance: Inheritance = {
        sockets: inheritedBy(process, arbiter),
        signal: endSignal(spec),
        option,
      };
      const { NODE_OPTIONS: given = '' } = process.env;
      const env = {
        ...process.env,
        NODE_OPTIONS: `${given} ${option}`.trim(),
        [variable]: JSON.stringify(inheritance),
      };
      return { ...process, env };
    });
  },
});
