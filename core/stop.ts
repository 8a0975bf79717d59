/** Stopping one process with all its tree: signals, one grace for all of it, then SIGKILL until nothing is left. */
import { constants } from 'node:os';
import { within } from './clock.js';
import { childrenOf, factsOf, isForeign, send } from './posix/process.js';
import { expectExit, isExpected } from './posix/reap.js';
import type { Exit, ExitReason, Process, ProcessContext } from './process.js';
import type { WatcherSpec } from './spec.js';
import { meansFor } from './tree.js';
import type { Watcher } from './watcher.js';

/** How to stop: the signal, the time until SIGKILL in ms, whether direct children get the signal too, and why. */
export interface StopRequest {
  readonly signal: number;
  readonly grace: number;
  /** Signals that follow the first, each so many ms after it. */
  readonly further?: readonly { readonly signal: number; readonly after: number }[];
  readonly children: boolean;
  readonly reason: ExitReason;
  /** The same in words of whoever had it replaced. */
  readonly why?: string | undefined;
  /** Who asked, where no operation tells it. */
  readonly by?: string;
}

const SIGKILL = 9;
/** How soon the tree is looked at again when nothing tells of its ends. */
const lookAgain = 100;

/** The signals of a watcher's stop and its grace, which is that of all steps together. */
export function stopPlan(spec: WatcherSpec): Required<Pick<StopRequest, 'signal' | 'grace' | 'further'>> {
  const signals: Readonly<Record<string, number>> = constants.signals;
  const steps = spec.stop_steps.length > 0 ? spec.stop_steps : [`${spec.stop_signal} ${spec.graceful_timeout}`];
  let grace = 0;
  const [first, ...rest] = steps.map((step) => {
    const [name = '', seconds = '0'] = step.split(' ');
    const after = grace;
    grace += Number(seconds) * 1000;
    return { signal: signals[`SIG${name}`] ?? Number(name), after };
  });
  return { signal: first!.signal, grace, further: rest.filter(({ signal }) => signal !== SIGKILL) };
}

/** A stop in the watcher's way, but for what is asked for otherwise. */
export function stopRequest(spec: WatcherSpec, asked: Pick<StopRequest, 'reason'> & Partial<StopRequest>): StopRequest {
  // Whoever names a signal or a time of his own means that in place of the steps.
  const alone = (asked.signal ?? asked.grace) === undefined ? {} : { further: [] };
  return { ...stopPlan(spec), ...alone, children: spec.stop_children, ...asked };
}

type StopContext = Pick<ProcessContext, 'board' | 'clock'>;

/** Lets plugins get a process to leave its clients to others: for as long as its stop may take then, or until `over`. */
export async function drain(old: Process, spec: WatcherSpec, over: AbortSignal, at: StopContext): Promise<void> {
  if (!at.board.used('beforeReplaced') || !old.alive || old.stopping) return;
  const ask = (signal: AbortSignal) => Promise.race([at.board.ask('beforeReplaced', old, signal), old.ended]);
  await within(at.clock, stopPlan(spec).grace, over, ask);
}

/** One stop of one tree. */
export class Stop {
  /** SIGKILL was needed after the grace. */
  forced = false;
  readonly #process: Process;
  readonly #request: StopRequest;
  readonly #context: StopContext;
  readonly #lose: () => void;
  /** The last signal that was sent. */
  #signal: number;
  /** Monotonic time from which on the tree is killed. */
  #deadline: number;

  /** `lose` takes the process for ended, where nobody can tell how it ended. */
  constructor(process: Process, request: StopRequest, context: StopContext, lose: () => void) {
    this.#process = process;
    this.#lose = lose;
    this.#request = request;
    this.#context = context;
    this.#signal = request.signal;
    this.#deadline = context.clock.monotonic() + request.grace;
  }

  /** Resolves when nothing of the tree is left. */
  async run(): Promise<Exit> {
    const { signal, grace, further = [] } = this.#request;
    const { clock } = this.#context;
    const cancels = further.map((step) => clock.after(step.after, () => void this.#send(step.signal)));
    const cancelKill = clock.after(grace, () => this.#kill());
    // Looked at before the signal: whoever loses its parent to it is known.
    this.#process.descendants();
    if (signal === SIGKILL) this.hurry();
    else if (this.#process.alive) await this.#send(signal);
    const exit = await this.#process.ended;
    cancelKill();
    await this.#clear();
    for (const cancel of cancels) cancel();
    return exit;
  }

  /** Takes the rest of the grace away. */
  hurry(): void {
    this.#deadline = -Infinity;
    this.#kill();
  }

  /** Signals the process, and its children where that was asked for; when it has ended, what it left behind. */
  async #send(signal: number): Promise<void> {
    const process = this.#process;
    const { board } = this.#context;
    this.#signal = signal;
    const others = process.alive ? (this.#request.children ? childrenOf(process.pid) : []) : process.descendants();
    if (process.alive) {
      // Circus tells of the signal also when a plugin held it back.
      const sent = process.signal(signal);
      board.tell('signalled', process, signal, process.pid);
      // A plugin that hesitates does not keep it from being killed after the grace.
      await Promise.race([sent, process.ended]);
    }
    for (const pid of others) if (send(pid, signal)) board.tell('signalled', process, signal, pid);
  }

  /** Ends what the process left behind: the same signals, what remains of the same grace, then SIGKILL. */
  async #clear(): Promise<void> {
    const { clock } = this.#context;
    let left = this.#process.descendants();
    if (clock.monotonic() < this.#deadline) for (const pid of left) send(pid, this.#signal);
    while (left.length > 0) {
      const rest = this.#deadline - clock.monotonic();
      if (rest <= 0) {
        this.#kill();
        // What we may not kill can't be waited for: it would hold up the stop of everything.
        left = left.filter((pid) => !isForeign(pid));
        if (left.length === 0) return;
      }
      await this.#someEnd(left, rest > 0 ? rest : lookAgain);
      left = this.#process.descendants();
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
    const { pid, alive, watcher } = this.#process;
    const left = this.#process.descendants();
    const means = meansFor(board, this.#process);
    try {
      means.kill?.(this.#process);
    } catch (error) {
      board.tell('fault', { plugin: means.by, hook: 'means', watcher, error });
    }
    // Its number names the group as long as one of the group is there.
    if (alive || left.some((one) => factsOf(one)?.group === pid)) send(-pid, SIGKILL);
    if (alive && send(pid, SIGKILL)) {
      this.forced = this.#request.signal !== SIGKILL;
      board.tell('signalled', this.#process, SIGKILL, pid);
      board.tell('delivered', this.#process, SIGKILL, true);
    } else if (alive && isForeign(pid)) this.#lose();
    for (const one of left) {
      send(one, SIGKILL);
      board.tell('signalled', this.#process, SIGKILL, one);
    }
  }
}

/** Asks plugins to get ready for the stop of a watcher; they have as long as its processes will have after them. */
export async function prepareStop(watcher: Watcher, { board, clock }: StopContext, over: AbortSignal): Promise<void> {
  await within(clock, stopPlan(watcher.spec).grace, over, (signal) => board.ask('beforeStop', watcher, signal));
}
