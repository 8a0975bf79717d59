/** `circusctl import`: the configuration of another supervisor, printed as an INI file; what did not map goes to the errors. */
import { importPaths, reportLines, sourceKinds } from '../import/import.js';
import { exitCodes, Failure, usageFailure } from './failure.js';
import type { Output } from './run.js';

/** Prints what the files become. @throws Failure when something could not be read */
export async function printImport(
  paths: readonly string[],
  flags: ReadonlyMap<string, string | true>,
  output: Output,
): Promise<void> {
  if (paths.length === 0) throw new Failure(exitCodes.failed, 'Invalid number of arguments');
  const from = flags.get('from');
  const kind = sourceKinds.find((known) => known === from);
  if (from !== undefined && kind === undefined)
    throw usageFailure(`--from is one of ${sourceKinds.join(', ')}, not "${from}"`);
  const environment = flags.get('env');
  const result = await importPaths(paths, {
    ...(kind === undefined ? {} : { kind }),
    ...(typeof environment === 'string' ? { environment } : {}),
  });
  output.out(result.ini);
  for (const line of reportLines(result)) output.err(`${line}\n`);
  if (result.problems.length > 0)
    throw new Failure(exitCodes.failed, `${result.problems.length} of the sources could not be read in full`);
}
