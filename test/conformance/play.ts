/** Plays recorded conversations of Circus (`../shared/conformance`) against the built daemon. */
import { existsSync } from 'node:fs';
import { inRoot, program } from '../support/paths.js';
import { run, type Ran } from '../support/run.js';

const script = inRoot('..', 'shared', 'conformance', 'wire_check.py');

/**
 * The transcripts of the commands that there are, and what circusctl prints. Left out are streams and stats-feed,
 * which belong to later plugins; flapping, which asks for the watcher that this plugin is in Circus; and two-clients, which
 * shows Circus's lock: it refuses each command while another runs (quirk 23), and here all are carried out, up to `quit`.
 */
export const transcripts = [
  'add-rm',
  'cli-control',
  'cli-errors',
  'cli-json',
  'cli-queries',
  'cli-sockets',
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
  'on-demand',
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
  const ours = (name: string) => `${process.execPath} ${program(name)}`;
  const programs = ['--daemon', ours('circusd'), '--ctl', ours('circusctl')];
  const args = [script, '--superset', '--differences', differences, ...programs, ...only];
  return run('/usr/bin/python3', args, { within });
}
