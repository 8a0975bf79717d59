/** The file of a Unix socket: where it may be made, and taking it away again. */
import { lstatSync, mkdirSync, rmSync, statSync, type Stats } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';

const writableForOthers = 0o022;
const stickyBit = 0o1000;

/** True for what belongs to this user or to root, who can do all this user can. */
export const isTrusted = ({ uid }: Pick<Stats, 'uid'>) => uid === 0 || uid === process.geteuid?.();

/**
 * True when nobody but this user and root can put files there. With `sticky`, others may, but can't replace ours: as in
 * /tmp.
 */
export function isOurFolder(folder: string, { sticky = false } = {}): boolean {
  const found = statSync(folder);
  const isOpen = (found.mode & writableForOthers) !== 0 && !(sticky && (found.mode & stickyBit) !== 0);
  // What a link leads to is for its owner to say.
  return !isOpen && isTrusted(found) && isTrusted(lstatSync(folder));
}

/**
 * Makes the folder of a Unix socket, private when it is new, and makes sure that nobody listens there, and that nobody
 * else could take the socket's place. @throws Error
 */
export async function preparePath(path: string): Promise<void> {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!isOurFolder(folder, { sticky: true }))
    throw new Error(
      `others may put a socket of their own into "${folder}": it has to belong to this user or root, and be writable for nobody else`,
    );
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isSocket()) throw new Error(`"${path}" exists and is not a socket`);
  if (await isServed(path)) throw new Error(`another daemon listens on "${path}"`);
}

/** Tells a file from any other that is given its name later; undefined when there is none. */
export function identityOf(path: string): string | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false, bigint: true });
  return found && `${found.dev}:${found.ino}`;
}

/** Removes a file unless another one has its name now: that is another daemon's. */
export function removeOwn(path: string, identity: string | undefined): void {
  if (identity !== undefined && identityOf(path) === identity) rmSync(path, { force: true });
}

/** True unless it is certain that nobody listens: the file of somebody who is merely busy must not be replaced. */
function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const client = connect(path);
    client.once('connect', () => {
      client.destroy();
      resolve(true);
    });
    client.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });
}
