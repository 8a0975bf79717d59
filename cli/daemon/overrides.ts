/** The file of overrides, which what was changed at run time is saved to. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Plan } from '#plugins/controller/service.js';
import { withDrift } from '../config/save.js';

/** Writes what was changed over what the file says. */
export function saveOverrides(file: string, saved: Plan['drift']): void {
  writeAtOnce(file, withDrift(existsSync(file) ? readFileSync(file, 'utf8') : '', saved));
}

/** Writes a file so that whoever reads it meanwhile gets all of the old or all of the new text. */
function writeAtOnce(file: string, text: string): void {
  const draft = `${file}.${process.pid}.new`;
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
  renameSync(draft, file);
}
