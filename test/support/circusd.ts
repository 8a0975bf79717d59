/** A real daemon for a test: `node dist/cli/circusd.js FILE` in a temporary folder, with circusctl at hand. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from './eventually.js';
import { program } from './paths.js';
import { describeProcess, descendantsOf, environmentOf, everyProcess, lives, type Seen } from './proc.js';
import { run, type Ran, type RunOptions } from './run.js';
import { makeTemporary, temporaryRoot, type Temporary } from './temporary.js';

/** How a daemon is started. */
export interface CircusdOptions {
  /** Words after the file's name, such as `--log-level debug`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A program that starts the daemon, such as unshare with its words; signals reach only that. */
  readonly through?: readonly string[];
  /** Further files beside the configuration: name to text. */
  readonly files?: Readonly<Record<string, string>>;
  /** The folder of the configuration, which is left there: of a daemon that is started again. */
  readonly folder?: Temporary;
  /** Called with the folder of the configuration before the daemon starts. */
  readonly prepare?: (folder: Temporary) => void;
  /** Asked until it is true or stops throwing; without it, the controller's socket must be there. */
  readonly ready?: (daemon: Circusd) => unknown;
}

const runVariable = 'CIRCUSD_TEST_RUN';
const markVariable = 'CIRCUS_ID';

/** What a program of ours sees of the environment of the tests: little. */
const environment = (folder: Temporary): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
  HOME: folder.path,
  XDG_RUNTIME_DIR: folder.path,
  CIRCUSD_STATE_DIR: join(folder.path, 'state'),
  TMPDIR: temporaryRoot,
});

/** Gives a configuration endpoints of its own where it names none; answers the text and the control endpoint. */
export function withEndpoints(ini: string, folder: string): { readonly text: string; readonly endpoint: string } {
  const written = (key: string) => new RegExp(`^${key}\\s*=[ \\t]*(.*)$`, 'm').exec(ini)?.[1]?.trim();
  const own = { endpoint: `ipc://${folder}/control`, pubsub_endpoint: `ipc://${folder}/events` };
  const missing = Object.entries(own).filter(([key]) => written(key) === undefined);
  const lines = missing.map(([key, value]) => `${key} = ${value}\n`).join('');
  const header = /^\[circus\][^\n]*\n/m;
  const text = header.test(ini) ? ini.replace(header, (found) => found + lines) : `[circus]\n${lines}\n${ini}`;
  return { text, endpoint: written('endpoint') ?? own.endpoint };
}

/** One running daemon. */
export class Circusd {
  readonly endpoint: string;
  readonly folder: Temporary;
  /** Resolves with the exit code; 128 and the signal's number when a signal ended the daemon. */
  readonly exited: Promise<number>;
  readonly #keepsFolder: boolean;
  readonly #child;
  readonly #environment: Record<string, string>;
  readonly #run = randomUUID();
  readonly #seen = new Map<string, Seen>();
  readonly #ids = new Set<string>();
  #log = '';
  #code: number | undefined;

  constructor(ini: string, { args = [], env = {}, through = [], files = {}, folder, prepare }: CircusdOptions) {
    this.#keepsFolder = folder !== undefined;
    this.folder = folder ?? makeTemporary();
    const { text, endpoint } = withEndpoints(ini, this.folder.path);
    this.endpoint = endpoint;
    for (const [name, content] of Object.entries(files)) this.folder.write(name, content);
    prepare?.(this.folder);
    const file = this.folder.write('circus.ini', text);
    this.#environment = { ...environment(this.folder), ...env };
    const [first, ...words] = [...through, process.execPath, program('circusd'), file, ...args];
    this.#child = spawn(first!, words, {
      cwd: this.folder.path,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...this.#environment, [runVariable]: this.#run },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.setEncoding('utf8').on('data', (chunk: string) => (this.#log += chunk));
    const watching = setInterval(() => this.#look(), 250);
    const closed = once(this.#child, 'close');
    this.exited = once(this.#child, 'exit').then(async ([code, signal]: unknown[]) => {
      clearInterval(watching);
      this.#code = typeof code === 'number' ? code : 128 + constants.signals[signal as NodeJS.Signals];
      // The rest of the log; a process that was left behind may hold it open.
      await Promise.race([closed, sleep(200)]);
      return this.#code;
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** All that the daemon and its children wrote to its stdout and stderr. */
  get log(): string {
    return this.#log;
  }

  get running(): boolean {
    return this.#code === undefined;
  }

  /** Runs circusctl against this daemon. */
  async ctl(...args: readonly string[]): Promise<Ran> {
    this.#look();
    const env = this.#environment;
    return run(process.execPath, [program('circusctl'), '--endpoint', this.endpoint, ...args], { env });
  }

  /** As `ctl`, with `--json`; resolves with what it printed. @throws when it failed */
  async json(...args: readonly string[]): Promise<unknown> {
    const { code, stdout, stderr } = await this.ctl('--json', ...args);
    if (code !== 0) throw new Error(`circusctl ${args.join(' ')} ended with ${code}: ${stderr}`);
    return JSON.parse(stdout) as unknown;
  }

  /** The pids of a watcher, as `circusctl list` tells them. */
  async pids(name: string): Promise<number[]> {
    return ((await this.json('list', name)) as { readonly pids: number[] }).pids;
  }

  signal(name: NodeJS.Signals): void {
    // Nobody can tell afterwards whose they were.
    this.#look();
    this.#child.kill(name);
  }

  /** The descendants of the daemon that live now. */
  descendants(): Seen[] {
    this.#look();
    return descendantsOf(this.pid).filter(({ zombie }) => !zombie);
  }

  /**
   * Ends the daemon as an operator does; resolves with its exit code.
   * @throws when a process or a socket is left `within` ms after its end
   */
  async stop(signal: NodeJS.Signals = 'SIGTERM', within = 3000): Promise<number> {
    this.#look();
    if (this.running) this.signal(signal);
    const timer = setTimeout(() => this.signal('SIGKILL'), 15_000);
    const code = await this.exited;
    clearTimeout(timer);
    try {
      await eventually(() => this.#assertNothingLeft(), { within, every: 20 });
    } finally {
      await this.kill();
    }
    return code;
  }

  /** Ends the daemon and all it started, at once; for the end of a test that failed. */
  async kill(): Promise<void> {
    this.#look();
    if (this.running) this.signal('SIGKILL');
    await this.exited;
    for (const { pid } of this.#left()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It went by itself.
      }
    }
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
    if (!this.#keepsFolder) this.folder.remove();
  }

  /** Remembers what runs below the daemon, so that it is known when it has lost its parents. */
  #look(): void {
    if (!this.running) return;
    for (const seen of descendantsOf(this.pid)) {
      this.#seen.set(`${seen.pid} ${seen.startTime}`, seen);
      const [id] = environmentOf(seen.pid)[markVariable]?.split(':') ?? [];
      if (id) this.#ids.add(id);
    }
  }

  #left(): Seen[] {
    const marked = everyProcess().filter(({ pid }) => {
      const { [runVariable]: from, [markVariable]: mark = '' } = environmentOf(pid);
      return from === this.#run || this.#ids.has(mark.split(':')[0]!);
    });
    const all = new Map([...this.#seen.values(), ...marked].map((seen) => [seen.pid, seen]));
    return [...all.values()].filter(lives);
  }

  #assertNothingLeft(): void {
    const processes = this.#left().map(({ pid }) => describeProcess(pid));
    const sockets = readdirSync(this.folder.path).filter((name) => statSync(join(this.folder.path, name)).isSocket());
    const left = [...processes, ...sockets.map((name) => `socket ${name}`)];
    if (left.length > 0) throw new Error(`the daemon left behind:\n  ${left.join('\n  ')}\n${this.log}`);
  }
}

async function controllerIsUp({ endpoint }: Circusd): Promise<boolean> {
  if (endpoint.startsWith('ipc://')) return existsSync(endpoint.slice('ipc://'.length));
  const [, host, port] = /^tcp:\/\/(.*):(\d+)$/.exec(endpoint) ?? [];
  if (host === undefined) return true;
  const socket = connect(Number(port), host);
  try {
    await once(socket, 'connect');
    return true;
  } finally {
    socket.destroy();
  }
}

/** Starts a daemon and resolves when it is ready. @throws with its log when it ends before */
export async function startCircusd(ini: string, options: CircusdOptions = {}): Promise<Circusd> {
  const daemon = new Circusd(ini, options);
  const { ready = controllerIsUp } = options;
  const early = daemon.exited.then((code) => {
    throw new Error(`circusd ended with ${code} before it was ready\n${daemon.log}`);
  });
  try {
    await Promise.race([early, eventually(() => !daemon.running || ready(daemon), { within: 15_000 })]);
    if (!daemon.running) await early;
  } catch (error) {
    await daemon.kill();
    throw error;
  }
  early.catch(() => undefined);
  return daemon;
}

/** To be called in a `describe`: answers `startCircusd`, and ends after each test what the test did not end. */
export function circusdPerTest(): typeof startCircusd {
  const started: Circusd[] = [];
  afterEach('stop the daemons', async function () {
    const failed = this.currentTest?.state === 'failed';
    for (const daemon of started.splice(0)) {
      if (failed) console.error(daemon.log);
      if (failed) await daemon.kill();
      else if (daemon.running) await daemon.stop();
    }
  });
  return async (ini, options) => {
    const daemon = await startCircusd(ini, options);
    started.push(daemon);
    return daemon;
  };
}

/** Runs circusd with these words to its end, as `--check` or a faulty configuration does. */
export function runCircusd(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return run(process.execPath, [program('circusd'), ...args], options);
}
