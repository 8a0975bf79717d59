/** One child: start it, signal it, stop its whole tree, tell how it ended; also one that was found running. */
import { constants, statSync } from 'node:fs';
import { basename } from 'node:path';
import { HookBoard } from './board.js';
import type { Clock } from './clock.js';
import { CircusError } from './errors.js';
import { Refusal } from './hooks.js';
import { findProgram } from './launch.js';
import { Pipe } from './pipe.js';
import { close } from './posix/descriptor.js';
import { childrenOf, factsOf, nameOf, openPid } from './posix/process.js';
import { expectExit, isExpected, type ExitStatus } from './posix/reap.js';
import { spawn, type FileAction } from './posix/spawn.js';
import { waiter } from './posix/wait.js';
import type { FileSpec, ProcessSpec } from './spec.js';
import { next, processTable, type ProcessEvent, type ProcessState } from './states.js';
import { markName, Tree } from './tree.js';

/** Why a process ended: by itself, or what asked it to. */
export type ExitReason = 'ended' | 'stopped' | 'resized' | 'replaced' | 'killed' | 'refused';

/** How a process ended. */
export interface Exit extends ExitStatus {
  readonly reason: ExitReason;
  /** SIGKILL was needed after the grace. */
  readonly forced: boolean;
  /** The link of the exec chain that failed, when the program itself never ran. */
  readonly failedLink: string | undefined;
  /** Wall time of the end, and how long it lived, in ms. */
  readonly at: number;
  readonly lived: number;
}

/** How to stop: the signal, the time until SIGKILL in ms, whether direct children get the signal too, and why. */
export interface StopRequest {
  readonly signal: number;
  readonly grace: number;
  readonly children: boolean;
  readonly reason: ExitReason;
}

/** What a process needs to know of its surroundings. */
export interface ProcessContext {
  readonly wid: number;
  /** The name of its watcher, and the mark that its descendants carry. */
  readonly watcher: string;
  readonly mark: string;
  readonly board: HookBoard;
  readonly clock: Clock;
  /** Told what it writes on its pipes. */
  readonly output: (chunk: Buffer, fd: number, process: Process) => void;
}

const SIGKILL = 9;
/** How soon the tree is looked at again when nothing tells of its ends. */
const lookAgain = 100;

/** The hooks of helper programs, which nobody taps. */
let quiet: HookBoard | undefined;

/** A running child. It is the same thing whether it was started here or found again. */
export class Process {
  readonly pid: number;
  readonly wid: number;
  readonly watcher: string;
  readonly spec: ProcessSpec;
  /** Wall time of the start, in ms. */
  readonly startedAt: number;
  /** Resolves once, when the process itself has ended and was collected; its descendants may live on. */
  readonly ended: Promise<Exit>;
  state: ProcessState;
  exit: Exit | undefined;
  /** What it was asked to do, if anything. */
  stopping: StopRequest | undefined;
  readonly #context: ProcessContext;
  readonly #begun: number;
  readonly #tree: Tree;
  readonly #pipes = new Map<number, Pipe>();
  #forced = false;
  #failedLink: string | undefined;
  #stopped: Promise<Exit> | undefined;

  private constructor(pid: number, spec: ProcessSpec, context: ProcessContext, state: ProcessState, startedAt: number) {
    this.pid = pid;
    this.spec = spec;
    this.wid = context.wid;
    this.watcher = context.watcher;
    this.state = state;
    this.startedAt = startedAt;
    this.#context = context;
    this.#begun = context.clock.monotonic() - (context.clock.now() - startedAt);
    this.#tree = new Tree(pid, context.mark);
    this.ended = new Promise((settle) => this.#awaitEnd(settle));
  }

  /** Starts the program. @throws ERR_COMMAND_NOT_FOUND, ERR_PROCESS_CWD, ERR_PROCESS_SPAWN */
  static start(spec: ProcessSpec, context: ProcessContext): Process {
    if (!statSync(spec.cwd, { throwIfNoEntry: false })?.isDirectory())
      throw new CircusError('ERR_PROCESS_CWD', [spec.cwd]);
    const program = findProgram(spec.command, spec.env['PATH'], spec.cwd);
    const links = spec.chain.flat();
    const path = links[0] === undefined ? program : findProgram(links[0], process.env['PATH'], '/');
    const words = links.length > 0 ? [...links, program, ...spec.args] : [spec.command, ...spec.args];
    const pipes = new Map<number, Pipe>();
    const startedAt = context.clock.now();
    let child: Process | undefined;
    try {
      const files = Object.entries(spec.files).map(([to, file]) =>
        actionFor(Number(to), file, () => {
          const pipe = new Pipe((chunk) => child && context.output(chunk, Number(to), child));
          pipes.set(Number(to), pipe);
          return pipe.childEnd;
        }),
      );
      const env = { ...spec.env, [markName]: context.mark };
      const result = spawn({ path, words, env, cwd: spec.cwd, files });
      if ('errno' in result)
        throw new CircusError('ERR_PROCESS_SPAWN', [spec.command, result.reason], { cause: result.errno });
      child = new Process(result.pid, spec, context, 'unready', startedAt);
      for (const [fd, pipe] of pipes) child.#pipes.set(fd, pipe);
      return child;
    } finally {
      for (const pipe of pipes.values()) close(pipe.childEnd);
      if (!child) for (const pipe of pipes.values()) pipe.close();
    }
  }

  /** Starts a helper program, which belongs to no watcher. */
  static run(spec: ProcessSpec, clock: Clock, output: ProcessContext['output']): Process {
    quiet ??= new HookBoard();
    return Process.start(spec, { wid: 0, watcher: '', mark: 'helper', board: quiet, clock, output });
  }

  /** Takes on a process that somebody else started; its exit status stays unknown. @throws ERR_PROCESS_GONE */
  static adopt(pid: number, startTime: string, startedAt: number, spec: ProcessSpec, context: ProcessContext): Process {
    const facts = factsOf(pid);
    if (!facts || facts.zombie || facts.startTime !== startTime) throw new CircusError('ERR_PROCESS_GONE', [pid]);
    return new Process(pid, spec, context, 'adopted', startedAt);
  }

  /** Resolves when it has ended and everything that it wrote was told. */
  async finished(): Promise<Exit> {
    const exit = await this.ended;
    await Promise.all([...this.#pipes.values()].map(({ drained }) => drained));
    return exit;
  }

  get alive(): boolean {
    return this.exit === undefined;
  }

  /** How long it has lived, in ms. */
  get age(): number {
    return this.#context.clock.monotonic() - this.#begun;
  }

  /** Lets an event change the state, and tells when it did. */
  become(event: ProcessEvent): void {
    const before = this.state;
    const after = next(processTable, before, event);
    if (after === undefined) return;
    this.state = after;
    this.#context.board.tell('processState', this, before, after);
  }

  /** Sends a signal unless a plugin objects, which for SIGKILL it can't; false: not sent. */
  async signal(signal: number): Promise<boolean> {
    if (signal !== SIGKILL && this.#context.board.used('beforeSignal')) {
      if ((await this.#context.board.ask('beforeSignal', this, signal)) instanceof Refusal) return false;
    }
    return this.alive && send(this.pid, signal);
  }

  /** The pids of the living descendants, also of those that left their parent. */
  descendants(): readonly number[] {
    return this.#context.board.change('descendants', this.#tree.members(), this);
  }

  /** Signals, waits, kills; resolves when nothing of the tree is left. A second call only shortens the grace to none. */
  stop(request: StopRequest): Promise<Exit> {
    if (this.#stopped && request.grace === 0) this.#kill();
    return (this.#stopped ??= this.#stop(request));
  }

  /** Stops reading what it writes on `fd`. */
  pause(fd: number): void {
    this.#pipes.get(fd)?.pause();
  }

  resume(fd: number): void {
    this.#pipes.get(fd)?.resume();
  }

  async #stop(request: StopRequest): Promise<Exit> {
    const { board, clock } = this.#context;
    this.stopping = request;
    this.become('stop');
    const deadline = clock.monotonic() + request.grace;
    // Looked at before the signal: whoever loses its parent to it is known.
    this.#tree.members();
    const children = request.children ? childrenOf(this.pid) : [];
    if (this.alive) {
      // Circus tells of the signal also when a plugin held it back.
      const sent = this.signal(request.signal);
      board.tell('signalled', this, request.signal, this.pid);
      await sent;
    }
    for (const pid of children) if (send(pid, request.signal)) board.tell('signalled', this, request.signal, pid);
    const cancel = clock.after(request.grace, () => this.#kill());
    const exit = await this.ended;
    cancel();
    await this.#clear(request, deadline);
    for (const pipe of this.#pipes.values()) pipe.close();
    return exit;
  }

  /** Ends what the process left behind: the same signal, what remains of the same grace, then SIGKILL. */
  async #clear(request: StopRequest, deadline: number): Promise<void> {
    const { clock } = this.#context;
    let left = this.descendants();
    if (left.length > 0 && clock.monotonic() < deadline) for (const pid of left) send(pid, request.signal);
    while (left.length > 0) {
      const rest = deadline - clock.monotonic();
      if (rest <= 0) this.#kill();
      await this.#someEnd(left, rest > 0 ? rest : lookAgain);
      left = this.descendants();
    }
  }

  /** Resolves when one of our own among these has ended, or after `longest` ms. */
  #someEnd(pids: readonly number[], longest: number): Promise<void> {
    const orphans = pids.filter((pid) => factsOf(pid)?.parent === process.pid && !isExpected(pid));
    const longestWait = orphans.length > 0 ? longest : Math.min(longest, lookAgain);
    return new Promise((settle) => {
      const cancel = this.#context.clock.after(longestWait, settle);
      for (const pid of orphans) {
        expectExit(pid, () => {
          cancel();
          settle();
        });
      }
    });
  }

  /** SIGKILL to all of the tree; the process group at one stroke, as a program may fork faster than we look. */
  #kill(): void {
    const { board } = this.#context;
    const left = this.descendants();
    if (left.some((pid) => factsOf(pid)?.group === this.pid)) send(-this.pid, SIGKILL);
    if (this.alive && send(this.pid, SIGKILL)) {
      this.#forced = true;
      board.tell('signalled', this, SIGKILL, this.pid);
    }
    for (const pid of left) {
      send(pid, SIGKILL);
      board.tell('signalled', this, SIGKILL, pid);
    }
  }

  #awaitEnd(settle: (exit: Exit) => void): void {
    const end = (status: ExitStatus) => {
      const { clock } = this.#context;
      const reason = this.stopping?.reason ?? 'ended';
      const facts = { forced: this.#forced, failedLink: this.#failedLink, at: clock.now(), lived: this.age };
      this.exit = Object.freeze({ ...status, reason, ...facts });
      this.become('end');
      settle(this.exit);
    };
    if (this.state !== 'adopted') {
      // A program that is named like a link can't be told from it.
      const links = new Set(this.spec.chain.map(([link = '']) => shortName(link)));
      links.delete(shortName(this.spec.command));
      const look = () => {
        const name = nameOf(this.pid);
        if (name !== undefined && links.has(name)) this.#failedLink = name;
      };
      expectExit(this.pid, end, links.size > 0 ? look : undefined);
      return;
    }
    const fd = openPid(this.pid);
    const release = waiter.watch(fd, () => {
      release();
      close(fd);
      end({ code: null, signal: null });
    });
  }
}

/** What the kernel keeps of a program's name in `/proc/PID/comm`. */
const shortName = (program: string) => basename(program).slice(0, 15);

function actionFor(to: number, file: FileSpec, openPipe: () => number): FileAction {
  if (file === 'inherit') return { to, from: to };
  if (file === 'null') return { to, path: '/dev/null', flags: constants.O_RDWR };
  if (file === 'pipe') return { to, from: openPipe() };
  if ('descriptor' in file) return { to, from: file.descriptor };
  return { to, path: file.path, flags: file.flags };
}

/** Sends a signal to a process, or to a group if negative; false when it is gone or not ours to signal. */
export function send(pid: number, signal: number): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH' || code === 'EPERM') return false;
    throw error;
  }
}
