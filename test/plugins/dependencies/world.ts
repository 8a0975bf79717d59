/** Watchers that note what happens to them, and what tests ask of a daemon that has them. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Circusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { connect } from '../client.js';

/** A watcher that writes into `notes` when it starts, and a moment after it was asked to stop. */
export const noting = (name: string, more = '') => `
[watcher:${name}]
cmd = sh -c 'echo +${name} >> notes; trap "sleep 0.1; echo -${name} >> notes; exit" TERM; while :; do sleep 0.05; done'
${more}
`;
/** A watcher that is ready when there is a file of its name. */
export const gated = (name: string, more = '') =>
  noting(name, `ready.exec = test -e ${name}\nready.interval = 0.1\n${more}`);
/** A watcher that does nothing. */
export const plain = (name: string, more = '') => `[watcher:${name}]\ncmd = sleep 600\n${more}\n`;

/** What `status` says of a watcher. */
export const statusOf = (daemon: Circusd, name: string) => connect(daemon).ask('status', { name });
/** Resolves when a watcher is in a state. */
export const reaches = (daemon: Circusd, name: string, state: string) =>
  eventually(async () => {
    const { status, state: own = status } = await statusOf(daemon, name);
    assert.equal(own, state);
  });
/** Resolves when a watcher waits for exactly this. */
export const waitsFor = (daemon: Circusd, name: string, what: string) =>
  eventually(async () => {
    const { state, reason } = await statusOf(daemon, name);
    assert.deepEqual([state, reason], ['waiting', `waiting for ${what}`]);
  });
/** The lines that watchers have written into `notes`. */
export const notes = (daemon: Circusd) => {
  const file = join(daemon.folder.path, 'notes');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
};
/** Makes a gated watcher ready. */
export const open = (daemon: Circusd, name: string) => daemon.folder.write(name, '');
/** Runs circusctl, which must succeed; resolves with what it printed. */
export const ctl = async (daemon: Circusd, ...words: readonly string[]) => {
  const { code, stdout, stderr } = await daemon.ctl(...words);
  assert.equal(code, 0, stderr);
  return stdout;
};
/** Runs circusctl, which must fail with such a message. */
export const refuses = async (daemon: Circusd, message: RegExp, ...words: readonly string[]) => {
  const { code, stderr } = await daemon.ctl(...words);
  assert.notEqual(code, 0);
  assert.match(stderr, message);
};
