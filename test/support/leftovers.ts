/** What a test leaves behind: child processes, open descriptors, files. Nothing, if all is well. */
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeProcess, everyProcess } from './proc.js';
import { isHeld, temporaryRoot } from './temporary.js';

/** libuv keeps these for itself, and makes them when they are first needed. */
const ignored = /^anon_inode:(\[(eventpoll|eventfd|io_uring)\]|inotify)$/;

/** What there was before: names of children (with their start), of descriptors, of files. */
export interface Before {
  readonly children: ReadonlySet<string>;
  readonly descriptors: ReadonlySet<string>;
  readonly files: ReadonlySet<string>;
}

const childName = ({ pid, startTime }: { pid: number; startTime: string }) => `${pid} ${startTime}`;
const children = () => everyProcess().filter(({ parent }) => parent === process.pid);
const files = () =>
  readdirSync(temporaryRoot, { recursive: true })
    .map((name) => join(temporaryRoot, String(name)))
    .filter((path) => !isHeld(path));

function descriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return ignored.test(target) ? [] : [`descriptor ${fd}: ${target}`];
    } catch {
      // The one that the folder itself was read with.
      return [];
    }
  });
}

// libuv opens /dev/null with the first server, as the reserve for a time without descriptors.
const first = createServer().listen(0, '127.0.0.1');
await once(first, 'listening');
first.close();
await once(first, 'close');

let latest: Before | undefined;

/** Remembers what there is now; for a `beforeEach`. */
export function watchLeftovers(): Before {
  // Both are opened when they are first used, which may be in a failing test.
  void [process.stdout, process.stderr];
  latest = {
    children: new Set(children().map(childName)),
    descriptors: new Set(descriptors()),
    files: new Set(files()),
  };
  return latest;
}

function leftSince(before: Before): string[] {
  return [
    ...children()
      .filter((child) => !before.children.has(childName(child)))
      .map(({ pid }) => describeProcess(pid)),
    ...descriptors().filter((descriptor) => !before.descriptors.has(descriptor)),
    ...files()
      .filter((file) => !before.files.has(file))
      .map((file) => `file ${file}`),
  ];
}

/** Rejects with a list of what came since `watchLeftovers` and has not gone `within` ms; for an `afterEach`. */
export async function assertNothingLeft(before: Before | undefined = latest, within = 3000): Promise<void> {
  if (!before) throw new Error('watchLeftovers() was not called');
  const end = performance.now() + within;
  let left = leftSince(before);
  while (left.length > 0 && performance.now() < end) {
    await sleep(20);
    left = leftSince(before);
  }
  if (left.length > 0) throw new Error(`left behind:\n  ${left.join('\n  ')}`);
}
