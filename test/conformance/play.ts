/** Plays recorded conversations of Circus (`../shared/conformance`) against the built daemon. */
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inRoot, program } from '../support/paths.js';
import { run, type Ran } from '../support/run.js';
import { makeTemporary } from '../support/temporary.js';

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

interface Recording {
  readonly steps: { send?: { properties: { options: object } }; events?: unknown; quiet?: number }[];
}

/**
 * Copies the recordings into a folder. In two-clients Circus refuses to quit; here all is stopped from then on. What that
 * publishes is waited for, then the only stop left is that of "deaf", which is to outlast the steps about it.
 */
function copyRecordings(folder: string, write: (name: string, text: string) => void): void {
  cpSync(recordings, folder, { recursive: true });
  const file = 'transcripts/two-clients.json';
  const recording = JSON.parse(readFileSync(join(recordings, file), 'utf8')) as Recording;
  const step = (number: number) => recording.steps[number - 1]!;
  const [patience, quit, over] = [step(1), step(19), step(26)];
  patience.send!.properties.options = { graceful_timeout: 5 };
  Object.assign(quit, { events: 'ignore', quiet: 0.8 });
  over.quiet = 1;
  write(file, JSON.stringify(recording));
}

/** Plays these transcripts; its output has a line for each difference that is not in `differences.json`. */
export async function play(names: readonly string[], within = 240_000): Promise<Ran> {
  const only = names.flatMap((name) => ['--only', name]);
  const differences = inRoot('test', 'conformance', 'differences.json');
  const ours = (name: string) => `${process.execPath} ${program(name)}`;
  const programs = ['--daemon', ours('circusd'), '--ctl', ours('circusctl')];
  const folder = makeTemporary();
  try {
    copyRecordings(folder.path, folder.write);
    const args = [script, '--dir', folder.path, '--superset', '--differences', differences, ...programs, ...only];
    return await run('/usr/bin/python3', args, { within });
  } finally {
    folder.remove();
  }
}
