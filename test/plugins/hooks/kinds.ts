/** Hooks of each kind that note how they were called, and answer yes, answer no, or fail. */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import type { CircusdOptions } from '../../support/circusd.js';
import { notesIn, type Note } from '../../support/notes.js';
import type { Temporary } from '../../support/temporary.js';

export type Behaviour = 'yes' | 'no' | 'fail' | 'hang';
export const kinds = ['module', 'command', 'python'] as const;
export type Kind = (typeof kinds)[number];

const module = `
import { appendFileSync } from 'node:fs';
const note = ({ watcher, arbiter, process, signal, ...given }) => {
  if (!signal || signal.aborted || !arbiter.watchers) throw new Error('not called as it should be');
  if (given.stats) given.stats.extra = 42;
  const line = { what: given.hook_name, watcher: watcher.name, wid: process?.wid, ...given };
  appendFileSync(new URL('notes', import.meta.url), JSON.stringify(line) + '\\n');
};
export const yes = async (given) => (note(given), true);
export const no = (given) => (note(given), false);
export const silent = (given) => note(given);
export const fail = (given) => { note(given); throw new Error('boom'); };
export const hang = (given) => { note(given); return new Promise(() => {}); };
export default yes;
`;

const command = `#!/bin/sh
[ "$CIRCUS_HOOK" = extended_stats ] && cat > /dev/null && echo '{"extra": 42}'
note() { printf '"%s": "%s", ' "$1" "$2"; }
{
  printf '{'
  note what "$CIRCUS_HOOK"; note watcher "$CIRCUS_WATCHER"; note wid "$CIRCUS_WID"; note pid "$CIRCUS_PID"
  note signum "$CIRCUS_SIGNAL"; note signal_name "$CIRCUS_SIGNAL_NAME"; note exit_code "$CIRCUS_EXIT_CODE"
  note status "$CIRCUS_PROCESS_STATUS"; note time "$CIRCUS_TIME"; note own "$OWN"; note cwd "$PWD"
  printf '"endpoint": "%s"}\\n' "$CIRCUSCTL_ENDPOINT"
} >> "$(dirname "$0")/notes"
case "$1" in
  no) echo first; echo "not now, $OWN" >&2; exit 3 ;;
  fail) kill -9 $$ ;;
  hang) sleep 600 & sleep 600 ;;
esac
exit 0
`;

const python = `
import json, os, time

def note(watcher, arbiter, hook_name, **given):
    assert watcher.name in [one.name for one in arbiter.watchers], 'not called as it should be'
    if hook_name == 'extended_stats':
        given['stats']['extra'] = 42
    line = dict(given, what=hook_name, watcher=watcher.name, own=watcher.env.get('OWN'), endpoint=arbiter.endpoint)
    line.update(cmd=watcher.cmd, wids=[one.wid for one in watcher.processes.values()], status=watcher.status())
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'notes'), 'a') as notes:
        notes.write(json.dumps(line) + '\\n')

def yes(watcher, arbiter, hook_name, **given):
    print('what it prints is in nobody\\'s way')
    note(watcher, arbiter, hook_name, **given)
    return True

def no(watcher, arbiter, hook_name, **given):
    note(watcher, arbiter, hook_name, **given)

def fail(watcher, arbiter, hook_name, **given):
    note(watcher, arbiter, hook_name, **given)
    raise TypeError('boom')

def hang(watcher, arbiter, hook_name, **given):
    note(watcher, arbiter, hook_name, **given)
    time.sleep(600)

def change(watcher, arbiter, hook_name, **given):
    watcher.env['MADE'] = 'by ' + hook_name
    watcher.env.pop('OWN', None)
    return True

def unchanged(watcher, arbiter, hook_name):
    return watcher.env['MADE'] == 'by before_spawn' and 'OWN' not in watcher.env
`;

/** What is beside the configuration. */
export const files: CircusdOptions = {
  files: { 'hooks.mjs': module, 'hook.sh': command, 'myhooks.py': python },
  prepare: (folder: Temporary) => chmodSync(join(folder.path, 'hook.sh'), 0o755),
};

/** How a hook of this kind is written. */
export const hookOf = (kind: Kind, behaviour: Behaviour): string =>
  ({ module: `./hooks.mjs#${behaviour}`, command: `exec:hook.sh ${behaviour}`, python: `myhooks.${behaviour}` })[kind];

/** What a failure of this kind is called. */
export const failures: Readonly<Record<Kind, RegExp>> = {
  module: /^boom$/,
  command: /^was killed by signal 9$/,
  python: /^raised TypeError: boom$/,
};

/** What hooks have noted beside a configuration. */
export const notesOf = ({ folder }: { readonly folder: Temporary }): readonly Note[] =>
  notesIn(join(folder.path, 'notes'));
