/** Looks at the options of watchers without the plugin: for whoever checks a file. */
import { createRequire } from 'node:module';
import { userOf } from '../accounts.js';
import type { Judge } from '../flaw.js';
import { flawsIn, isMapped } from './options.js';
import { closedFor } from '../readable.js';

/** Judges many watchers. */
export const judge = (): Judge => {
  const preload = createRequire(import.meta.url).resolve('circusd/listen');
  return (options, { spec }) => {
    const uid = options['uid'];
    const user = isMapped(spec) && typeof uid === 'string' ? userOf(uid.trim()) : undefined;
    const closed = user && closedFor(user, preload);
    if (closed === undefined) return flawsIn(spec);
    const message = `has every Node program load ${preload}, and "uid" is ${user!.name}, who may not read ${closed}`;
    return [...flawsIn(spec), { key: 'node_listen', message, likely: true }];
  };
};
