/** Running a program to its end. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** How a program ended, and what it wrote. */
export interface Ran {
  /** The exit code; 128 and the signal's number when a signal ended it, as a shell says it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where and how to run it; without `within` it may take 15,000 ms. */
export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly input?: string;
  readonly within?: number;
}

/** Runs a program; resolves when it has ended and its output is complete. @throws when it can't start, or takes too long */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { env = process.env, cwd, input, within = 15_000 } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: 'pipe', ...(cwd !== undefined && { cwd }) });
    let stdout = '';
    let stderr = '';
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, within);
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    // A program that ends without reading its input is no failure of ours.
    child.stdin.on('error', () => undefined).end(input);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      const words = [command, ...args].join(' ');
      if (late) reject(new Error(`"${words}" took longer than ${within} ms\n${stdout}${stderr}`));
      else resolve({ code: code ?? 128 + (signal ? constants.signals[signal] : 0), stdout, stderr });
    });
  });
}
