/** Plays recorded conversations of Circus (`../shared/conformance`) against the built daemon. */
import { existsSync } from 'node:fs';
import { inRoot, program } from '../support/paths.js';
import { run, type Ran } from '../support/run.js';

const script = inRoot('..', 'shared', 'conformance', 'wire_check.py');

/**
 * The transcripts of the commands that there are; what belongs to later plugins is left out. So is two-clients: it shows
 * Circus's lock, which refuses each command while another runs (quirk 23). Here all of them are carried out, up to `quit`.
 */
export const transcripts = [
  'add-rm',
  'daemon-int',
  'daemon-signals',
  'endings',
  'environment',
  'errors',
  'include',
  'reloadconfig',
  'kill-events',
  'lifecycle',
  'malformed',
  'priority',
  'processes',
  'queries',
  'quit',
  'quit-waiting',
  'set',
  'set-bad',
  'sockets',
  'stopping',
] as const;

/** True where the recordings are at hand: they are no part of this repository. */
export const recordingsAreHere = existsSync(script);

/** Plays these transcripts; its output has a line for each difference that is not in `differences.json`. */
export function play(names: readonly string[], within = 240_000): Promise<Ran> {
  const only = names.flatMap((name) => ['--only', name]);
  const differences = inRoot('test', 'conformance', 'differences.json');
  const daemon = `${process.execPath} ${program('circusd')}`;
  const args = [script, '--superset', '--differences', differences, '--daemon', daemon, ...only];
  return run('/usr/bin/python3', args, { within });
}
