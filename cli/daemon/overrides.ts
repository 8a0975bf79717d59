/** The file of overrides, which what was changed at run time is saved to. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Plan, Saved } from '#plugins/controller/service.js';
import { withDrift } from '../config/save.js';

/** Writes what was changed over what the file says, with `shell` for a shell's variables; answers what is in it now, and what is not. */
export function saveOverrides(file: string, drift: Plan['drift'], shell: boolean): Omit<Saved, 'file'> {
  const { text, unsaved } = withDrift(existsSync(file) ? readFileSync(file, 'utf8') : '', drift, shell);
  writeAtOnce(file, text);
  const left = new Set(unsaved.map(({ watcher, key }) => `${watcher} ${key.replace(/^env\..*/s, 'env')}`));
  const saved = drift.map(({ watcher, keys }) => ({
    watcher,
    keys: keys.filter(({ key }) => !left.has(`${watcher} ${key}`)),
  }));
  return { saved: saved.filter(({ keys }) => keys.length > 0), unsaved };
}

/** Writes a file so that whoever reads it meanwhile gets all of the old or all of the new text. */
function writeAtOnce(file: string, text: string): void {
  const draft = `${file}.${process.pid}.new`;
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
  renameSync(draft, file);
}
