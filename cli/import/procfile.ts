/** Imports a Procfile, with the `.env` next to it. */
import { dirname } from 'node:path';
import { parseEnvFile } from '../config/env-file.js';
import { origin, type Draft } from './draft.js';
import { beside, linesOf, textOf, type Files } from './files.js';

/** foreman's first port, and the distance between two lines of the Procfile. */
const firstPort = 5000;
const distance = 100;

/** Imports the file at `path`. */
export function importProcfile(draft: Draft, path: string, files: Files): void {
  const text = files.read(path);
  if (typeof text !== 'string') {
    draft.tell(text);
    return;
  }
  const dotenv = beside(path, '.env');
  const variables = textOf(files, dotenv);
  let port = variables === undefined ? firstPort : basePort(variables);
  for (const [at, line] of linesOf(text).entries()) {
    if (line.trim() === '' || line.trim().startsWith('#')) continue;
    const from = origin(path, at + 1);
    const [, name, command] = /^\s*([A-Za-z0-9_-]+)\s*:\s*(.+?)\s*$/.exec(line) ?? [];
    if (name === undefined || command === undefined) {
      draft.fail(from, `${JSON.stringify(line.trim().slice(0, 60))} is no process: it should be "name: command"`);
      continue;
    }
    const watcher = draft.watcher(name, from);
    const entry = { key: name, value: command, ...from };
    watcher.runShell(command, entry);
    watcher.set('working_dir', dirname(path), entry);
    // foreman waits 5 seconds before it kills.
    watcher.set('graceful_timeout', 5, entry);
    if (variables !== undefined) watcher.envFile(dotenv, variables, { key: '.env', value: '', source: dotenv });
    watcher.env.set('PORT', String(port));
    port += distance;
    if (name !== 'release') continue;
    watcher.set('autostart', false, entry);
    watcher.set('respawn', false, entry);
    const hint = 'start it by "circusctl start release"';
    watcher.report(entry, 'a release task runs once before a release, which circusd does not know of', hint);
  }
}

function basePort(variables: string): number {
  const port = parseEnvFile(variables, '').variables.findLast(({ key }) => key === 'PORT')?.value;
  return port !== undefined && /^\d{1,5}$/.test(port) ? Number(port) : firstPort;
}
