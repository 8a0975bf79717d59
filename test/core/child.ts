/** Real children for the tests of the kernel, without a watcher around them. */
import { HookBoard } from '../../core/board.js';
import { systemClock, type Clock } from '../../core/clock.js';
import { adoptOrphans, releaseReaper } from '../../core/posix/reap.js';
import { Process } from '../../core/process.js';
import type { StopRequest } from '../../core/stop.js';
import type { FileSpec, ProcessSpec } from '../../core/spec.js';
import { assertNothingLeft, watchLeftovers } from '../support/leftovers.js';
import { fixture } from '../support/paths.js';

export interface ChildOptions extends Partial<ProcessSpec> {
  readonly clock?: Clock;
  readonly board?: HookBoard;
  readonly mark?: string;
  readonly stdout?: FileSpec;
}

let marks = 0;

/** Starts a process that belongs to no watcher, as helper programs do. */
export function startHelper(spec: ProcessSpec, output: (chunk: Buffer, fd: number) => unknown): Process {
  const surroundings = { wid: 0, watcher: '', board: new HookBoard(systemClock), clock: systemClock };
  const mark = `helper:${process.pid}:${++marks}`;
  return Process.start(spec, { ...surroundings, mark, output: (chunk, fd) => void output(chunk, fd) });
}

/** A child, and what it has written so far. */
export class Child {
  readonly process: Process;
  text = '';
  #told: () => void = () => undefined;

  /** Starts `line`, split at blanks; a first word that is a fixture is found among them. */
  constructor(line: string | readonly string[], options: ChildOptions = {}) {
    const { clock = systemClock, board = new HookBoard(clock), mark = `test:${process.pid}:${++marks}` } = options;
    const [first = '', ...args] = typeof line === 'string' ? line.split(' ') : line;
    this.process = Process.start(
      {
        command: /\.(sh|py|mjs)$/.test(first) ? fixture(first) : first,
        args,
        chain: options.chain ?? [],
        env: options.env ?? { PATH: process.env['PATH'] ?? '', REAPER: String(process.pid) },
        cwd: options.cwd ?? '/',
        files: options.files ?? { 0: 'null', 1: options.stdout ?? 'pipe', 2: 'inherit' },
      },
      {
        wid: 1,
        watcher: 'test',
        mark,
        board,
        clock,
        output: (chunk) => {
          this.text += chunk.toString();
          this.#told();
        },
      },
    );
  }

  /** Resolves with the lines, once there are as many. */
  async lines(count: number): Promise<string[]> {
    while (this.text.split('\n').length <= count) await new Promise<void>((resolve) => (this.#told = resolve));
    return this.text.split('\n').slice(0, -1);
  }

  /** The numbers among the first lines. */
  async numbers(count: number): Promise<number[]> {
    return (await this.lines(count)).map(Number);
  }

  stop(request: Partial<StopRequest> = {}) {
    return this.process.stop({ signal: 15, grace: 5000, children: false, reason: 'stopped', ...request });
  }
}

/** Runs a child to its end; its output, all told. */
export async function outputOf(line: string | readonly string[], options: ChildOptions = {}): Promise<string> {
  const child = new Child(line, options);
  await child.process.finished();
  return child.text;
}

/** To be called in a `describe`: what its tests start is collected, and none of it is left behind. */
export function leaveNothing(): void {
  beforeEach(() => {
    watchLeftovers();
    adoptOrphans();
  });
  afterEach(async () => {
    await assertNothingLeft();
    releaseReaper();
  });
}
