/** Where an error of syntax is: the import of a module says only that there is one. */
import { execFile } from 'node:child_process';
import { reasonOf } from '#core';

/** How long Node may look at one file, in ms. */
const patience = 5000;

/** ` (FILE:LINE)` of the first error of syntax in a module; nothing when it has none itself. */
export function syntaxPlace(file: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--check', file], { timeout: patience }, (_, __, errors) => {
      const place = /^(?:file:\/\/)?(\/.*:\d+)$/m.exec(errors)?.[1];
      resolve(place === undefined ? '' : ` (${place})`);
    });
  });
}

/** The first line of what the import of a module threw; an error of syntax by its name, and with its place. */
export async function importFailure(error: unknown, file: string): Promise<string> {
  const [reason = ''] = reasonOf(error).split('\n');
  return error instanceof SyntaxError ? `SyntaxError: ${reason}${await syntaxPlace(file)}` : reason;
}
