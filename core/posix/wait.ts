/**
 * The one waiter for raw descriptors that libuv does not know: pidfds, datagram sockets. All of them share one epoll
 * in one native call on one thread of libuv's pool, whatever their number; an eventfd wakes it.
 */
import { readSync, writeSync } from 'node:fs';
import { Socket as Stream } from 'node:net';
import { close, duplicate } from './descriptor.js';
import { checked, libc } from './libc.js';

const EPOLL_CLOEXEC = 0o2000000;
const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLLIN = 1;
// The structure is packed on x86-64 and nowhere else.
const packed = process.arch === 'x64';
const eventSize = packed ? 12 : 16;
const dataOffset = packed ? 4 : 8;
const batch = 64;

function eventOf(fd: number): Buffer {
  const event = Buffer.alloc(eventSize);
  event.writeUInt32LE(EPOLLIN, 0);
  event.writeInt32LE(fd, dataOffset);
  return event;
}

/** Calls back whenever a watched descriptor is readable, until it is taken off; sleeps while nothing is watched. */
class Waiter {
  readonly #watched = new Map<number, () => void>();
  #open: { readonly epoll: number; readonly wake: number } | undefined;
  #waiting = false;
  readonly #atExit = () => this.#wake();

  /** Watches `fd`; the returned function takes it off, and must be called before `fd` is closed. */
  watch(fd: number, readable: () => void): () => void {
    const { epoll } = this.#start();
    checked('epoll_ctl', libc().epoll_ctl(epoll, EPOLL_CTL_ADD, fd, eventOf(fd)));
    this.#watched.set(fd, readable);
    if (!this.#waiting) this.#wait();
    return () => {
      if (this.#watched.get(fd) !== readable) return;
      this.#watched.delete(fd);
      libc().epoll_ctl(epoll, EPOLL_CTL_DEL, fd, eventOf(fd));
      if (this.#watched.size === 0) this.#wake();
    };
  }

  #start() {
    if (this.#open) return this.#open;
    const epoll = checked('epoll_create1', libc().epoll_create1(EPOLL_CLOEXEC));
    const wake = checked('eventfd', libc().eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    checked('epoll_ctl', libc().epoll_ctl(epoll, EPOLL_CTL_ADD, wake, eventOf(wake)));
    // Without the wake process.exit() would wait for the thread for ever.
    process.on('exit', this.#atExit);
    return (this.#open = { epoll, wake });
  }

  #wake(): void {
    if (this.#open) writeSync(this.#open.wake, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]));
  }

  /** What one reader throws is told as uncaught, and takes the wait from nobody else. */
  #call(fd: number): void {
    try {
      this.#watched.get(fd)?.();
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  #wait(): void {
    const { epoll, wake } = this.#open!;
    const events = Buffer.alloc(eventSize * batch);
    this.#waiting = true;
    libc().epoll_wait.async(epoll, events, batch, -1, (error: unknown, count: number) => {
      this.#waiting = false;
      for (let at = 0; at < (error ? 0 : count); at++) {
        const fd = events.readInt32LE(at * eventSize + dataOffset);
        if (fd === wake) readSync(wake, Buffer.alloc(8));
        else this.#call(fd);
      }
      if (this.#waiting) return;
      if (this.#watched.size > 0) return this.#wait();
      process.off('exit', this.#atExit);
      close(epoll);
      close(wake);
      this.#open = undefined;
    });
  }
}

/** The waiter of this process. */
export const waiter = new Waiter();

// No library has these calls.
const [setup, destroy, submit] = process.arch === 'x64' ? [206, 207, 209] : [0, 1, 2];
const IOCB_CMD_POLL = 5;
const IOCB_FLAG_RESFD = 1;

/** It waits for all processors to notice. */
const destroyQueue = (queue: number) => libc().syscall.async(destroy, queue, 0, () => undefined);

/** Has the kernel count `event` up at the next arrival; the queue with the request, undefined where there is no such thing. */
function requestPoll(fd: number, event: number): number | undefined {
  const place = Buffer.alloc(8);
  if (libc().io_setup(setup, 1, place) < 0) return undefined;
  const queue = Number(place.readBigUInt64LE());
  const words = [0, 0, 0, 0, IOCB_CMD_POLL, fd, EPOLLIN, 0, 0, 0, 0, 0, 0, 0, IOCB_FLAG_RESFD, event];
  if (libc().io_submit(submit, queue, 1, [Buffer.from(Uint32Array.from(words).buffer)]) === 1) return queue;
  destroyQueue(queue);
  return undefined;
}

/**
 * Calls back once when something arrives at `fd`, also when somebody else has taken it by the time we look: a poll of
 * the kernel's asynchronous I/O is told of the arrival, and not of what is left of it. The returned function gives up.
 */
export function onArrival(fd: number, arrived: () => void): () => void {
  const event = checked('eventfd', libc().eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const queue = requestPoll(fd, event);
  // Without such requests, what is left is all that can be seen.
  const watched = queue === undefined ? duplicate(fd) : event;
  let release: (() => void) | undefined = waiter.watch(watched, () => {
    stop();
    arrived();
  });
  const stop = () => {
    release?.();
    if (!release) return;
    release = undefined;
    for (const one of new Set([watched, event])) close(one);
    if (queue !== undefined) destroyQueue(queue);
  };
  return stop;
}

/** Calls back once, when a client waits at a stream: nothing is accepted, and a read fails exactly when somebody is there. */
export function onRefusedRead(fd: number, refused: () => void): () => void {
  const probe = new Stream({ fd: duplicate(fd), readable: true, writable: false });
  probe.once('error', refused);
  probe.resume();
  return () => probe.destroy();
}

/** A way to wait at one descriptor; what it returns gives up. */
export type Way = typeof onArrival;

/** Calls back for each of the descriptors that the returned function is given, in place of those before: none ends it. */
export function waitAtEach(way: Way, come: () => void): (fds: readonly number[]) => void {
  let ends: readonly (() => void)[] = [];
  return (fds) => {
    for (const end of ends) end();
    ends = fds.map((fd) => way(fd, come));
  };
}
