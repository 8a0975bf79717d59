/** circusd as an operator starts it: in a folder, with words and variables, its log in lines. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { eventually } from '../support/eventually.js';
import { program } from '../support/paths.js';
import { descendantsOf } from '../support/proc.js';
import { run, type Ran } from '../support/run.js';

/** Where it runs, and with what further variables. */
export interface Place {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The environment of a daemon in a test: its runtime directory is below the folder it runs in. */
const environment = ({ cwd, env = {} }: Place): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  HOME: cwd,
  CIRCUSD_RUNTIME_DIR: `${cwd}/run`,
  CIRCUSD_STATE_DIR: `${cwd}/state`,
  ...env,
});

/** Runs circusd to its end. */
export function circusd(place: Place, ...args: readonly string[]): Promise<Ran> {
  return run(process.execPath, [program('circusd'), ...args], { cwd: place.cwd, env: environment(place) });
}

/** Runs circusctl, which finds the daemon of the same folder. */
export function circusctl(place: Place, ...args: readonly string[]): Promise<Ran> {
  return run(process.execPath, [program('circusctl'), ...args], { cwd: place.cwd, env: environment(place) });
}

/** A circusd that runs. */
export class Daemon {
  readonly exited: Promise<number>;
  readonly #child: ChildProcess;
  #output = '';

  constructor(place: Place, args: readonly string[], stderr: 'pipe' | number) {
    this.#child = spawn(process.execPath, [program('circusd'), ...args], {
      cwd: place.cwd,
      env: environment(place),
      stdio: ['ignore', 'pipe', stderr],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (chunk: string) => (this.#output += chunk));
    this.exited = once(this.#child, 'close').then(([code, signal]) =>
      typeof code === 'number' ? code : 128 + constants.signals[signal as NodeJS.Signals],
    );
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** All that it and its children wrote. */
  get output(): string {
    return this.#output;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Reads its output no more, as a pager that was left. */
  closeOutput(): void {
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Waits until its output has this. @throws with the output when that takes too long, or it ends before */
  async says(what: string): Promise<void> {
    await eventually(
      () => {
        if (this.#output.includes(what)) return true;
        if (!this.running) throw new Error(`it ended without "${what}":\n${this.#output}`);
        throw new Error(`it does not say "${what}":\n${this.#output}`);
      },
      { within: 10_000 },
    );
  }

  /** Ends it in order, and resolves with the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    if (this.running) this.signal(signal);
    return this.exited;
  }
}

/** To be called in a `describe`: starts circusd, and ends after each test what the test did not end. */
export function daemonPerTest(): (
  place: Place,
  args: readonly string[],
  until?: string,
  stderr?: 'pipe' | number,
) => Promise<Daemon> {
  const started: Daemon[] = [];
  afterEach('stop the daemons', async function () {
    for (const daemon of started.splice(0)) {
      if (this.currentTest?.state === 'failed') console.error(daemon.output);
      // Twice: what does not end in order is killed, and a daemon that does not end at all, too.
      if (daemon.running) daemon.signal('SIGTERM');
      if (daemon.running) daemon.signal('SIGTERM');
      const timer = setTimeout(() => {
        const children = descendantsOf(daemon.pid);
        daemon.signal('SIGKILL');
        for (const { pid } of children) process.kill(pid, 'SIGKILL');
      }, 5000);
      await daemon.exited;
      clearTimeout(timer);
    }
  });
  return async (place, args, until = 'waiting for commands', stderr = 'pipe') => {
    const daemon = new Daemon(place, args, stderr);
    started.push(daemon);
    if (until !== '') await daemon.says(until);
    return daemon;
  };
}

/** The lines of a text, without the empty last one. */
export const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');
