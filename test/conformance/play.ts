/** Plays recorded conversations of Circus (`../shared/conformance`) against the built daemon. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { inRoot, program } from '../support/paths.js';
import { run, type Ran } from '../support/run.js';

const recordings = inRoot('..', 'shared', 'conformance');
const script = join(recordings, 'wire_check.py');

/** The transcripts that there are plugins for: left out are streams and stats-feed, which belong to later ones. */
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
  'flapping',
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
  'two-clients',
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
