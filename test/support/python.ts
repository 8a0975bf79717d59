/** Circus's own clients are written in Python: running scripts that talk as they do. */
import { run, type Ran, type RunOptions } from './run.js';

const interpreter = '/usr/bin/python3';
const absent = 'python3 with zmq is missing: run "npm run setup:tests" (Debian: python3-zmq)';

let found: Promise<void> | undefined;

async function find(): Promise<void> {
  const { code } = await run(interpreter, ['-c', 'import zmq']).catch(() => ({ code: 1 }));
  if (code !== 0) throw new Error(absent);
}

/** Runs a script, given as text, with zmq at hand; its `sys.argv[1:]` are `args`. @throws when Python or zmq is missing */
export async function python(script: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Ran> {
  await (found ??= find());
  return run(interpreter, ['-c', script, ...args], options);
}
