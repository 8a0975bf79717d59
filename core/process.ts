/** One child: start it, signal it, stop its whole tree, tell how it ended; also one that was found running. */
import { basename } from 'node:path';
import type { HookBoard } from './board.js';
import type { Clock } from './clock.js';
import { CircusError } from './errors.js';
import { Refusal } from './guard.js';
import type { Pipe } from './pipe.js';
import { close } from './posix/descriptor.js';
import { childrenOf, factsOf, isForeign, lives, nameOf, openPid, send } from './posix/process.js';
import { expectExit, isExpected, type ExitStatus } from './posix/reap.js';
import { waiter } from './posix/wait.js';
import { startProgram } from './program.js';
import type { ProcessSpec } from './spec.js';
import { next, processTable, type ProcessEvent, type ProcessState } from './states.js';
import { Tree } from './tree.js';

export { send } from './posix/process.js';

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
  /** Who asked, where no operation tells it. */
  readonly by?: string;
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
/** How long what was written is still read when all of the tree is gone. */
const drainTime = 1000;

/** Where a process comes from. */
interface Origin {
  readonly pid: number;
  readonly startedAt: number;
  readonly begun: number;
  /** Tells the end of one that is not our child. */
  readonly pidfd?: number;
}

let started = 0;

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
  /** What it was asked to do, if anything. */
  stopping: StopRequest | undefined;
  readonly #context: ProcessContext;
  readonly #tree: Tree;
  readonly #pipes = new Map<number, Pipe>();
  #forced = false;
  #failedLink: string | undefined;
  #stopped: Promise<Exit> | undefined;
  /** Monotonic time from which on the tree is killed. */
  #deadline = Infinity;
  /** Ends it for us, where nobody can tell how it ended. */
  #lost: () => void = () => undefined;

  private constructor({ pid, startedAt, begun, pidfd }: Origin, spec: ProcessSpec, context: ProcessContext) {
    this.pid = pid;
    this.spec = spec;
    this.wid = context.wid;
    this.watcher = context.watcher;
    this.state = pidfd === undefined ? 'unready' : 'adopted';
    this.startedAt = startedAt;
    this.begun = begun;
    this.#context = context;
    this.#tree = new Tree(pid, context.mark);
    this.ended = new Promise((settle) => this.#awaitEnd(settle, pidfd));
  }

  /** Starts the program. @throws ERR_COMMAND_NOT_FOUND, ERR_PROCESS_CWD, ERR_PROCESS_SPAWN */
  static start(spec: ProcessSpec, context: ProcessContext): Process {
    const origin = { startedAt: context.clock.now(), begun: context.clock.monotonic() };
    const output = (chunk: Buffer, fd: number) => {
      context.output(chunk, fd, child);
      // What is told now is kept until plugins have changed: no more of it than there is already.
      if (context.board.changing) void pipes.get(fd)?.hold(context.board.steady());
    };
    const { pid, pipes } = startProgram(spec, context.mark, output);
    const child = new Process({ ...origin, pid }, spec, context);
    for (const [fd, pipe] of pipes) child.#pipes.set(fd, pipe);
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
    if (this.#stopped && request.grace === 0) {
      this.#deadline = -Infinity;
      this.#kill();
    }
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
    this.#deadline = clock.monotonic() + request.grace;
    const cancel = request.signal === SIGKILL ? () => undefined : clock.after(request.grace, () => this.#kill());
    // Looked at before the signal: whoever loses its parent to it is known.
    this.#tree.members(this.alive);
    const children = request.children && this.alive ? childrenOf(this.pid) : [];
    if (this.alive) {
      // Circus tells of the signal also when a plugin held it back.
      const sent = this.signal(request.signal);
      board.tell('signalled', this, request.signal, this.pid);
      // A plugin that hesitates does not keep it from being killed after the grace.
      await Promise.race([sent, this.ended]);
    }
    for (const pid of children) if (send(pid, request.signal)) board.tell('signalled', this, request.signal, pid);
    const exit = await this.ended;
    cancel();
    await this.#clear(request);
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

  /** Ends what the process left behind: the same signal, what remains of the same grace, then SIGKILL. */
  async #clear(request: StopRequest): Promise<void> {
    const { clock } = this.#context;
    let left = this.descendants();
    if (clock.monotonic() < this.#deadline) for (const pid of left) send(pid, request.signal);
    while (left.length > 0) {
      const rest = this.#deadline - clock.monotonic();
      if (rest <= 0) {
        this.#kill();
        // What we may not kill can't be waited for: it would hold up the stop of everything.
        left = left.filter((pid) => !isForeign(pid));
        if (left.length === 0) return;
      }
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
    // Its number names the group as long as one of the group is there.
    if (this.alive || left.some((pid) => factsOf(pid)?.group === this.pid)) send(-this.pid, SIGKILL);
    if (this.alive && send(this.pid, SIGKILL)) {
      this.#forced = this.stopping?.signal !== SIGKILL;
      board.tell('signalled', this, SIGKILL, this.pid);
      board.tell('delivered', this, SIGKILL, true);
    } else if (this.alive && isForeign(this.pid)) this.#lost();
    for (const pid of left) {
      send(pid, SIGKILL);
      board.tell('signalled', this, SIGKILL, pid);
    }
  }

  #awaitEnd(settle: (exit: Exit) => void, pidfd: number | undefined): void {
    const end = (status: ExitStatus) => {
      if (this.exit) return;
      const { clock } = this.#context;
      const facts = { forced: this.#forced, failedLink: this.#failedLink, at: clock.now(), lived: this.age };
      this.exit = Object.freeze({ ...status, reason: this.stopping?.reason ?? 'ended', ...facts });
      this.become('end');
      settle(this.exit);
    };
    this.#lost = () => end({ code: null, signal: null });
    if (pidfd === undefined) {
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
    const release = waiter.watch(pidfd, () => {
      release();
      close(pidfd);
      this.#lost();
    });
  }
}

/** What the kernel keeps of a program's name in `/proc/PID/comm`. */
const shortName = (program: string) => basename(program).slice(0, 15);
