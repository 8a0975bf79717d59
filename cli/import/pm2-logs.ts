/** Where PM2's apps write: files of their own, and how their lines look. */
import { join } from 'node:path';
import type { Entry, Rules, WatcherDraft } from './draft.js';
import type { Tree } from '../config/tree.js';
import { isTrue, textIn, valueIn } from './data.js';

const names = {
  stdout: ['out_file', 'output', 'out', 'out_log'],
  stderr: ['error_file', 'err_file', 'error', 'err', 'err_log'],
} as const;

/** The keys that `streamOf` looks at, and those that change how PM2 writes. */
export const logRules: Rules<WatcherDraft, Tree> = {
  ...Object.fromEntries([...names.stdout, ...names.stderr].map((key) => [key, null])),
  log_date_format: null,
  time: null,
  // All processes of a watcher write to one place.
  merge_logs: null,
  combine_logs: null,
  log_file: [
    'output and errors go to a file each',
    'give stdout_stream.filename and stderr_stream.filename the same value',
  ],
  log_type: ['lines are written as they come'],
  disable_logs: (watcher, entry) => {
    if (!isTrue(entry.value)) return;
    watcher.set('close_child_stdout', true, entry);
    watcher.set('close_child_stderr', true, entry);
  },
};

/** Maps the file that an app's output goes to. */
export function streamOf(
  watcher: WatcherDraft,
  name: 'stdout' | 'stderr',
  app: Tree,
  entryOf: (key: string) => Entry<unknown>,
  cwd: string,
): void {
  const key = names[name].find((one) => valueIn(app, one) !== undefined);
  if (key === undefined) return;
  const file = textIn(valueIn(app, key));
  const entry = entryOf(key);
  if (/^(\/dev\/null|null)$/i.test(file)) watcher.set(`close_child_${name}`, true, entry);
  if (file === '' || /^(\/dev\/(null|stdout|stderr)|null)$/i.test(file)) return;
  if (file.startsWith('~')) watcher.report(entry, "the importer does not know the user's home, so ~ stays as it is");
  const path = /^[/~]/.test(file) ? file : join(cwd, file);
  if (!watcher.stream(name, path, entry)) return;
  const given = textIn(valueIn(app, 'log_date_format')) || (isTrue(valueIn(app, 'time')) ? 'YYYY-MM-DDTHH:mm:ss' : '');
  if (given === '') return;
  const format = timeFormat(given);
  if (format !== undefined) watcher.set(`${name}_stream.time_format`, format, entryOf('log_date_format'));
  else if (name === 'stdout')
    watcher.report(
      entryOf('log_date_format'),
      `"${given}" has parts that strftime(3) does not know`,
      'write stdout_stream.time_format',
    );
}

const parts: Readonly<Record<string, string>> = {
  YYYY: '%Y',
  YY: '%y',
  MMMM: '%B',
  MMM: '%b',
  MM: '%m',
  DD: '%d',
  dddd: '%A',
  ddd: '%a',
  HH: '%H',
  hh: '%I',
  A: '%p',
  mm: '%M',
  ss: '%S',
  Z: '%z',
  ZZ: '%z',
};

/** From the dates of moment.js to those of strftime; undefined where there is no such part. */
export function timeFormat(format: string): string | undefined {
  let known = true;
  const result = format.replace(/\[([^\]]*)\]|%|([A-Za-z])\2*/g, (part, literal: string | undefined) => {
    if (literal !== undefined) return literal.replaceAll('%', '%%');
    if (part === '%') return '%%';
    // A T between date and time stands for itself.
    if (part === 'T') return 'T';
    known &&= Object.hasOwn(parts, part);
    return parts[part] ?? part;
  });
  return known ? result : undefined;
}
