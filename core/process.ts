/** One child: start it, signal it, stop its whole tree, tell how it ended; also one that was found running. */
import { basename } from 'node:path';
import type { HookBoard } from './board.js';
import type { Clock } from './clock.js';
import { CircusError } from './errors.js';
import { Refusal } from './guard.js';
import type { Pipe } from './pipe.js';
import { close } from './posix/descriptor.js';
import { factsOf, lives, nameOf, openPid, send } from './posix/process.js';
import { expectExit, type ExitStatus } from './posix/reap.js';
import { waiter } from './posix/wait.js';
import { startProgram } from './program.js';
import type { ProcessSpec } from './spec.js';
import { next, processTable, type ProcessEvent, type ProcessState } from './states.js';
import { Stop, type StopRequest } from './stop.js';
import { Tree } from './tree.js';

export { send } from './posix/process.js';

/** Why a process ended: by itself, or what asked it to. */
export type ExitReason = 'ended' | 'stopped' | 'resized' | 'replaced' | 'killed' | 'refused';

/** How a process ended, and why it was asked to. */
export interface Exit extends ExitStatus, Pick<StopRequest, 'reason' | 'why'> {
  /** SIGKILL was needed after the grace. */
  readonly forced: boolean;
  /** The link of the exec chain that failed, when the program itself never ran. */
  readonly failedLink: string | undefined;
  /** Wall time of the end, and how long it lived, in ms. */
  readonly at: number;
  readonly lived: number;
}

/** One end, as its watcher keeps it. */
export interface PastProcess {
  readonly pid: number;
  readonly wid: number;
  readonly exit: Exit;
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
/** How long what was written is still read when all of the tree is gone. */
const drainTime = 1000;
/** How much of what a process wrote last is kept, in bytes. */
export const longestTail = 2048;

/** Where a process comes from. */
interface Origin {
  readonly pid: number;
  readonly startedAt: number;
  readonly begun: number;
  /** Tells the end of one that is not our child. */
  readonly pidfd?: number;
}

let started = 0;
/** One for all that have none: a thousand processes are a thousand of them else. */
const noPipes: ReadonlyMap<number, Pipe> = new Map();
const noBytes = Buffer.alloc(0);

/** A running child. It is the same thing whether it was started here or found again. */
export class Process {
  readonly pid: number;
  readonly wid: number;
  readonly watcher: string;
  readonly spec: ProcessSpec;
  /** Wall time of the start, in ms. */
  readonly startedAt: number;
  /** Counts up from process to process: which of two is the older, however close together they were started. */
  readonly order = ++started;
  /** The same on the clock that never jumps. */
  readonly begun: number;
  /** Resolves once, when the process itself has ended and was collected; its descendants may live on. */
  readonly ended: Promise<Exit>;
  state: ProcessState;
  exit: Exit | undefined;
  /** The end of what it wrote on its pipes. */
  tail: Buffer = noBytes;
  /** What it was asked to do, if anything. */
  stopping: StopRequest | undefined;
  readonly #context: ProcessContext;
  readonly #tree: Tree;
  readonly #pipes: ReadonlyMap<number, Pipe>;
  #failedLink: string | undefined;
  #stop: Stop | undefined;
  #stopped: Promise<Exit> | undefined;
  /** Ends it for us, where nobody can tell how it ended. */
  #lost: () => void = () => undefined;

  private constructor(
    { pid, startedAt, begun, pidfd }: Origin,
    spec: ProcessSpec,
    context: ProcessContext,
    pipes: ReadonlyMap<number, Pipe> = noPipes,
  ) {
    this.pid = pid;
    this.spec = spec;
    this.wid = context.wid;
    this.watcher = context.watcher;
    this.state = pidfd === undefined ? 'unready' : 'adopted';
    this.startedAt = startedAt;
    this.begun = begun;
    this.#context = context;
    this.#pipes = pipes;
    this.#tree = new Tree(pid, context.mark);
    this.ended = new Promise((settle) => this.#awaitEnd(settle, pidfd));
  }

  /** Starts the program. @throws ERR_COMMAND_NOT_FOUND, ERR_PROCESS_CWD, ERR_PROCESS_SPAWN */
  static start(spec: ProcessSpec, context: ProcessContext): Process {
    const origin = { startedAt: context.clock.now(), begun: context.clock.monotonic() };
    const output = (chunk: Buffer, fd: number) => {
      child.tail = Buffer.concat([child.tail, chunk.subarray(-longestTail)]).subarray(-longestTail);
      context.output(chunk, fd, child);
      // What is told now is kept until plugins have changed: no more of it than there is already.
      if (context.board.changing) void pipes.get(fd)?.hold(context.board.steady());
    };
    const { pid, pipes } = startProgram(spec, context.mark, output);
    const child = new Process({ ...origin, pid }, spec, context, pipes.size > 0 ? pipes : noPipes);
    return child;
  }

  /** Takes on a process that somebody else started; its exit status stays unknown. @throws ERR_PROCESS_GONE */
  static adopt(pid: number, startTime: string, startedAt: number, spec: ProcessSpec, context: ProcessContext): Process {
    let pidfd: number;
    try {
      pidfd = openPid(pid);
    } catch (cause) {
      throw new CircusError('ERR_PROCESS_GONE', [pid], { cause });
    }
    // Looked at when the descriptor holds it: the number can't change hands any more.
    const facts = factsOf(pid);
    if (!facts || facts.zombie || facts.startTime !== startTime) {
      close(pidfd);
      throw new CircusError('ERR_PROCESS_GONE', [pid]);
    }
    const begun = context.clock.monotonic() - (context.clock.now() - startedAt);
    return new Process({ pid, startedAt, begun, pidfd }, spec, context);
  }

  /** Resolves when it has ended and what it wrote was told; others that hold its pipes are not waited for. */
  async finished(): Promise<Exit> {
    const exit = await this.ended;
    await this.#drain();
    return exit;
  }

  get alive(): boolean {
    return this.exit === undefined;
  }

  /** How long it has lived, in ms. */
  get age(): number {
    return this.#context.clock.monotonic() - this.begun;
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
    const { board } = this.#context;
    const asks = signal !== SIGKILL && board.used('beforeSignal');
    const held = asks && (await board.ask('beforeSignal', this, signal)) instanceof Refusal;
    const sent = !held && this.alive && send(this.pid, signal);
    board.tell('delivered', this, signal, sent);
    return sent;
  }

  /** The pids of the living descendants, also of those that left their parent. */
  descendants(): readonly number[] {
    const found = this.#tree.members(this.alive);
    const all = this.#context.board.change('descendants', found, this);
    return all === found ? found : all.filter(lives);
  }

  /** Signals, waits, kills; resolves when nothing of the tree is left. A second call only shortens the grace to none. */
  stop(request: StopRequest): Promise<Exit> {
    if (this.#stop && request.grace === 0) this.#stop.hurry();
    return (this.#stopped ??= this.#begin(request));
  }

  /** Stops reading what it writes on `fd`. */
  pause(fd: number): void {
    this.#pipes.get(fd)?.pause();
  }

  resume(fd: number): void {
    this.#pipes.get(fd)?.resume();
  }

  async #begin(request: StopRequest): Promise<Exit> {
    this.stopping = request;
    this.become('stop');
    this.#stop = new Stop(this, request, this.#context, () => this.#lost());
    const exit = await this.#stop.run();
    await this.#drain();
    return exit;
  }

  /** Reads what was written before the end, but waits for no reader that paused, nor for another holder of the pipe. */
  async #drain(): Promise<void> {
    const pipes = [...this.#pipes.values()];
    const cancel = this.#context.clock.after(drainTime, () => pipes.forEach((pipe) => pipe.close()));
    await Promise.all(pipes.map(({ drained }) => drained));
    cancel();
  }

  #awaitEnd(settle: (exit: Exit) => void, pidfd: number | undefined): void {
    const end = (status: ExitStatus) => {
      if (this.exit) return;
      const { stopping, age: lived } = this;
      const ended = {
        forced: !!this.#stop?.forced,
        failedLink: this.#failedLink,
        at: this.#context.clock.now(),
        lived,
      };
      this.exit = Object.freeze({ ...status, reason: stopping?.reason ?? 'ended', why: stopping?.why, ...ended });
      this.become('end');
      settle(this.exit);
    };
    this.#lost = () => end({ code: null, signal: null });
    if (pidfd === undefined) {
      // A program that is named like a link can't be told from it.
      const links = new Set(this.spec.chain.map(([link = '']) => shortName(link)));
      links.delete(shortName(this.spec.executable ?? this.spec.command));
      const look = () => {
        const name = nameOf(this.pid);
        if (name !== undefined && links.has(name)) this.#failedLink = name;
      };
      expectExit(this.pid, end, links.size > 0 ? look : undefined);
      return;
    }
    const release = waiter.watch(pidfd, () => {
      release();
      close(pidfd);
      this.#lost();
    });
  }
}

/** What the kernel keeps of a program's name in `/proc/PID/comm`. */
const shortName = (program: string) => basename(program).slice(0, 15);
