/**
 * Learning that a child ended. On SIGCHLD each pid that is expected is asked for, and no other: Node's child_process
 * must collect its own children, and a foreign zombie must not hide ours.
 */
import { libc } from './libc.js';
import { childrenOf } from './process.js';

const P_ALL = 0;
const P_PID = 1;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x01000000;
const CLD_EXITED = 1;
const infoSize = 128;
/** How long an unknown zombie is left to libuv, which may only be late in collecting it. */
const orphanDelay = 1000;

/** How a process ended; both null: it was not our child and nobody can tell. */
export interface ExitStatus {
  readonly code: number | null;
  readonly signal: number | null;
}

type Listener = (status: ExitStatus) => void;

const expected = new Map<number, { readonly told: Listener; readonly before: (() => void) | undefined }>();
let listening = false;
let collectsOrphans = false;
let sweeping: NodeJS.Timeout | undefined;
let unexpected: readonly number[] | undefined;
/** The unknown zombies that the last sweep saw. */
let doomed: readonly number[] = [];
const info = Buffer.alloc(infoSize);

/**
 * The pid in `info` after a call, 0 when no child had ended, -1 when there is none; the offsets are those of every
 * 64-bit Linux.
 */
function ask(type: number, id: number, options: number): number {
  info.fill(0);
  return libc().waitid(type, id, info, WEXITED | WNOHANG | options) === 0 ? info.readInt32LE(16) : -1;
}

function statusOf(): ExitStatus {
  const value = info.readInt32LE(24);
  return info.readInt32LE(8) === CLD_EXITED ? { code: value, signal: null } : { code: null, signal: value };
}

/** Collects what has ended among the expected pids, then looks whether anything else is left to be collected. */
function sweep(): void {
  unexpected = undefined;
  for (const [pid, { told, before }] of expected) {
    if (before && ask(P_PID, pid, WNOWAIT) === pid) before();
    const answer = ask(P_PID, pid, 0);
    if (answer === 0) continue;
    expected.delete(pid);
    // Somebody else in this process collected it: that it ended is all that is known.
    told(answer === pid ? statusOf() : { code: null, signal: null });
  }
  if (collectsOrphans && !sweeping && ask(P_ALL, 0, WNOWAIT) > 0) {
    // Orphans come to the main thread: what another thread has started is not for us, however late that thread is.
    doomed = childrenOf(process.pid, process.pid).filter(
      (pid) => !expected.has(pid) && ask(P_PID, pid, WNOWAIT) === pid,
    );
    // One turn after the timer: had the loop been held up all the time, libuv would not have looked yet.
    sweeping = setTimeout(() => setImmediate(collectOrphans), orphanDelay);
    sweeping.unref();
  }
}

/**
 * Children of ours that nobody expects, zombies included: orphans that reached us, and what Node's child_process
 * started. Read once per turn of the event loop and once per sweep, as a stop of many watchers asks for each.
 */
export function unexpectedChildren(): readonly number[] {
  if (!unexpected) {
    unexpected = childrenOf(process.pid).filter((pid) => !expected.has(pid));
    setImmediate(() => (unexpected = undefined));
  }
  return unexpected;
}

/** Collects what was a zombie a second ago already; younger ones may still be libuv's, and wait for the next round. */
function collectOrphans(): void {
  sweeping = undefined;
  doomed.forEach(collect);
  sweep();
}

function listen(): void {
  if (listening) return;
  listening = true;
  process.on('SIGCHLD', sweep);
  // What ended before the first listener was there sends no second signal.
  setImmediate(sweep);
}

/**
 * Has `told` called, once, when the child `pid` has ended and was collected. `before` runs while it is still a zombie,
 * whose `/proc/PID` can be read.
 */
export function expectExit(pid: number, told: Listener, before?: () => void): void {
  expected.set(pid, { told, before });
  listen();
}

/** Collects a child that has ended and that nobody expects. */
export function collect(pid: number): void {
  if (!expected.has(pid)) ask(P_PID, pid, 0);
}

/** True when this pid's end is awaited. */
export const isExpected = (pid: number): boolean => expected.has(pid);

/** Also collects children that nobody expects, 1 s after they were seen: those that reach us as subreaper or PID 1. */
export function adoptOrphans(): void {
  collectsOrphans = true;
  listen();
  sweep();
}

/** Stops listening when nothing is expected any more: for tests that look for what was left. */
export function releaseReaper(): void {
  if (expected.size > 0 || !listening) return;
  process.off('SIGCHLD', sweep);
  clearTimeout(sweeping);
  sweeping = undefined;
  listening = collectsOrphans = false;
}
