/** Raw descriptors: pipes, parking, and the limit on their number. Everything made here is close-on-exec. */
import { readdirSync, readFileSync } from 'node:fs';
import { checked, libc } from './libc.js';

const F_GETFD = 1;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const F_GETFL = 3;
const F_SETFL = 4;
const F_DUPFD_CLOEXEC = 1030;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const RLIMIT_NOFILE = 7;

/** Owned sockets keep a number from here on, clear of the descriptors that programs take for granted. */
export const parkingFloor = 64;

/** Moves a descriptor to the lowest free number from `floor` on, and closes the old one. */
export function park(fd: number, floor = parkingFloor): number {
  const parked = checked('fcntl', libc().fcntl(fd, F_DUPFD_CLOEXEC, floor));
  close(fd);
  return parked;
}

/** A second descriptor of the same open file. */
export const duplicate = (fd: number): number => checked('fcntl', libc().fcntl(fd, F_DUPFD_CLOEXEC, 3));

/** Moves a descriptor to a number, whatever is open there. */
export function move(fd: number, to: number): void {
  checked('dup3', libc().dup3(fd, to, O_CLOEXEC));
  close(fd);
}

/** Closes a descriptor; one that is closed already is no error. */
export function close(fd: number): void {
  libc().close(fd);
}

/** True when the number is an open descriptor of this process. */
export const isOpen = (fd: number): boolean => libc().fcntl(fd, F_GETFD, 0) >= 0;

/** Marks every descriptor above 2 close-on-exec, also those that whoever started us left open. */
export function sealDescriptors(): void {
  for (const name of readdirSync('/proc/self/fd')) {
    const flags = Number(name) > 2 ? libc().fcntl(Number(name), F_GETFD, 0) : -1;
    if (flags >= 0 && !(flags & FD_CLOEXEC)) libc().fcntl(Number(name), F_SETFD, flags | FD_CLOEXEC);
  }
}

/** Sets or clears O_NONBLOCK on the open file that `fd` shares with all its duplicates. */
export function setBlocking(fd: number, blocking: boolean): void {
  const flags = checked('fcntl', libc().fcntl(fd, F_GETFL, 0));
  checked('fcntl', libc().fcntl(fd, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK));
}

/** A pipe: the end to read from and the end to write to. */
export function pipe(): { readonly read: number; readonly write: number } {
  const ends = Buffer.alloc(8);
  checked('pipe2', libc().pipe2(ends, O_CLOEXEC));
  return { read: ends.readInt32LE(0), write: ends.readInt32LE(4) };
}

/**
 * Node raises its own soft limit on descriptors to the hard one. This tells how to put the old one back around a
 * spawn: a child gets what our own parent has, as long as our hard limits agree (else nobody lowered or raised it
 * for us, and ours is right).
 */
function inheritedLimit(): Buffer | undefined {
  const own = Buffer.alloc(16);
  if (libc().getrlimit(RLIMIT_NOFILE, own) < 0) return undefined;
  try {
    const limits = readFileSync(`/proc/${process.ppid}/limits`, 'utf8');
    const [, soft, hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(limits) ?? [];
    if (!soft || hard !== String(own.readBigUInt64LE(8)) || soft === hard) return undefined;
    const limit = Buffer.from(own);
    limit.writeBigUInt64LE(BigInt(soft), 0);
    return limit;
  } catch {
    return undefined;
  }
}

let childLimit: { readonly own: Buffer; readonly child: Buffer } | 'same' | undefined;

/** Raises both limits on descriptors to `count` where they are lower and we may; what is started keeps the old ones. */
export function raiseLimit(count: number): void {
  const [before, own] = [Buffer.alloc(16), Buffer.alloc(16)];
  if (libc().getrlimit(RLIMIT_NOFILE, before) < 0 || before.readBigUInt64LE(8) >= count) return;
  const child = inheritedLimit() ?? before;
  for (const at of [0, 8]) own.writeBigUInt64LE(BigInt(count), at);
  if (libc().setrlimit(RLIMIT_NOFILE, own) === 0) childLimit = { own, child };
}

/** Runs `action` (a spawn) under the soft limit on descriptors that circusd itself was started with. */
export function underInheritedLimit<T>(action: () => T): T {
  if (childLimit === undefined) {
    const child = inheritedLimit();
    const own = Buffer.alloc(16);
    libc().getrlimit(RLIMIT_NOFILE, own);
    childLimit = child ? { own, child } : 'same';
  }
  if (childLimit === 'same') return action();
  libc().setrlimit(RLIMIT_NOFILE, childLimit.child);
  try {
    return action();
  } finally {
    libc().setrlimit(RLIMIT_NOFILE, childLimit.own);
  }
}
