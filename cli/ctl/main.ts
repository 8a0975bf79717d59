/** The command line client of the daemon. */
import { exitCodes } from './failure.js';
import { run, type Output } from './run.js';

const output: Output = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  isTerminal: process.stderr.isTTY,
};
// Whoever read our output has had enough; that is no failure.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => process.exit(process.exitCode));

process.once('SIGINT', () => process.exit(exitCodes.failed));
process.exitCode = await run(process.argv.slice(2), output);
