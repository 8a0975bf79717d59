/** Where groups can be made: the hierarchy of cgroup v2, and the daemon's own place in it. */
import { pidsOf, type Files } from './files.js';

/** What a place is looked for by. */
export interface PlaceContext {
  readonly files: Files;
  readonly pid: number;
  readonly uid: number;
  /** The living descendants of the daemon. */
  readonly family: () => readonly number[];
  /** The watchers that have processes: one may not have entered its group yet. */
  readonly busy: () => readonly string[];
  readonly warn: (message: string) => void;
}

/** The group below which those of the watchers are made. */
export interface Place {
  readonly path: string;
  /** The group above it that has to pass controllers on, and is not ours. */
  readonly above?: string;
}

/** In a group whose controllers are passed on, no process may be: the daemon lives in this one below it. */
export const leafName = 'supervisor';
/** A subtree of a daemon that has none: the name tells whose it is. */
const ownName = /^circusd\.(\d+)$/;

const parentOf = (path: string) => path.slice(0, path.lastIndexOf('/'));
const unescaped = (text: string) =>
  text.replaceAll(/\\(\d{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)));

/** The folders in which the daemon finds its own group and the top of what it sees of the hierarchy. */
function mounted({ files }: PlaceContext): readonly { readonly top: string; readonly own: string }[] {
  const group = /^0::(.*)$/m.exec(files.read('/proc/self/cgroup') ?? '')?.[1];
  if (group === undefined) return [];
  return (files.read('/proc/self/mountinfo') ?? '').split('\n').flatMap((line) => {
    const [, , , root = '', point = ''] = line.split(' ');
    const start = root === '/' ? '' : root;
    if (!/ - cgroup2 /.test(line) || !`${group}/`.startsWith(`${start}/`)) return [];
    const top = unescaped(point);
    return [{ top, own: `${top}${group.slice(start.length)}`.replace(/\/$/, '') }];
  });
}

/** The kernel has no such file for the group that is the parent of all. */
export const isTop = (files: Files, path: string) => files.read(`${path}/cgroup.events`) === undefined;

/** True for a group in which nobody runs but the daemon and what it has started, and to which it may write. */
export function isOurs({ files, pid, family }: PlaceContext, path: string): boolean {
  const ours = new Set([pid, ...family()]);
  const needed = ['', '/cgroup.procs', '/cgroup.subtree_control'];
  return needed.every((name) => files.writable(path + name)) && pidsOf(files, path).every((one) => ours.has(one));
}

/** Chooses the place: the one that is named, else the daemon's own group, else, for root, one of its own at the top. @throws Error */
export function choosePlace(around: PlaceContext, named?: string): Place {
  const { files, pid, uid } = around;
  if (named !== undefined) return { path: named.replace(/(.)\/+$/, '$1') };
  const all = mounted(around);
  const found = all.find(({ own }) => files.writable(own)) ?? all[0];
  if (!found) throw new Error('this machine has no cgroup v2 mounted that circusd is in');
  const { top, own } = found;
  const atTop = isTop(files, own);
  if (!atTop) {
    const parent = parentOf(own);
    if (own.endsWith(`/${leafName}`) && isOurs(around, parent)) return { path: parent };
    if (isOurs(around, own)) return { path: own };
  }
  if (uid !== 0)
    throw new Error(
      `the control group of circusd, ${own}, is not its own: it may not write there, or others run in it; ` +
        'with systemd write "Delegate=yes", or name another one with "root" in [plugin:cgroup]',
    );
  return { path: `${top}/circusd.${pid}`, above: top };
}

/** The subtrees at the top that daemons left behind which are gone. */
export function abandonedIn(files: Files, above: string, lives: (pid: number) => boolean): readonly string[] {
  return files
    .folders(above)
    .filter((name) => ownName.test(name) && !lives(Number(ownName.exec(name)![1])))
    .map((name) => `${above}/${name}`);
}
