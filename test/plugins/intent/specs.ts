/** What the tests of rollbacks share: a watcher with versions, and how to ask about them. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../../support/eventually.js';
import type { Client } from '../client.js';

export type Facts = Readonly<Record<string, unknown>>;

const head = `
[plugin:intent]
use = intent
stable_after = 0.2
`;
/** A daemon with a watcher whose command has a word that tells its version. */
export const web = (version: string, more = '') => `${head}
[watcher:web]
cmd = sh -c 'exec sleep 600' ${version}
copy_env = True
numprocesses = 2
ready_after = 0.05
${more}`;

/** What the state folders hold. */
export const stateIn = (folder: string): string =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true })
        .map((name) => join(folder, String(name)))
        .filter((path) => path.endsWith('.json'))
        .map((path) => readFileSync(path, 'utf8'))
        .join('\n')
    : '';

/** What `rollback --list` tells of a watcher. */
export const specsOf = async (client: Client, name = 'web') => {
  const reply = await client.ask('rollback', { name, list: true });
  const [specs] = reply['good_specs'] as { present: string; specs: Facts[] }[];
  return specs!;
};
/** Resolves when the present spec is known to be good. */
export const isGood = (client: Client, name = 'web') =>
  eventually(async () => assert.equal((await specsOf(client, name)).present, 'good'));
/** Changes options of web. @throws when that is refused */
export const set = async (client: Client, options: object) => {
  const reply = await client.ask('set', { name: 'web', options, waiting: true });
  assert.equal(reply['status'], 'ok', String(reply['reason']));
};
/** Rolls web back, and waits for it. */
export const rollback = (client: Client, more: object = {}) =>
  client.ask('rollback', { name: 'web', waiting: true, ...more });
/** The last word of what web runs. */
export const cmdOf = async (client: Client) =>
  ((await client.ask('get', { name: 'web', keys: ['cmd'] }))['options'] as { cmd: string }).cmd.split(' ').at(-1);
/** The keys in a reply. @throws with its reason when it has none */
export const keysIn = (reply: Facts, field = 'rolled_back') => {
  assert.ok(reply[field], String(reply['reason']));
  return (reply[field] as { keys: { key: string; before: unknown; after: unknown }[] }[]).flatMap(({ keys }) => keys);
};
