/** Starting a program: posix_spawn, because a fork copies page tables and this does not. */
import { constants } from 'node:os';
import type { Environment } from '../spec.js';
import { underInheritedLimit } from './descriptor.js';
import { libc, wordsOf } from './libc.js';

const SETSIGDEF = 0x04;
const SETSIGMASK = 0x08;
const SETSID = 0x80;
// Larger than the structures of glibc (80 and 336 bytes) and musl (both smaller) on every architecture.
const structureSize = 512;
const signalSetSize = 128;
const { EINVAL } = constants.errno;

/** What becomes of one descriptor of the child; sources are descriptors of ours, close-on-exec or not. */
export type FileAction =
  | { readonly to: number; readonly from: number }
  | { readonly to: number; readonly path: string; readonly flags: number };

/** A program with everything looked up: an absolute path, its words, and its descriptors in order. */
export interface SpawnRequest {
  readonly path: string;
  readonly words: readonly string[];
  readonly env: Environment;
  /** One more variable, which is another for each process. */
  readonly mark: readonly [name: string, value: string];
  readonly cwd: string;
  readonly files: readonly FileAction[];
}

let attributes: Buffer | undefined;
// Written anew for each spawn, which is over before the next one begins.
const actions = Buffer.alloc(structureSize);
const pid = Buffer.alloc(4);
/** Environments are shared by all processes of a watcher: their C form is made once. */
const entries = new WeakMap<Environment, readonly string[]>();

function entriesOf(env: Environment): readonly string[] {
  const known = entries.get(env);
  if (known) return known;
  const made = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  entries.set(env, made);
  return made;
}

/** Own session, no signal blocked, every signal at its default: Node ignores SIGPIPE, and a child must not. */
function spawnAttributes(): Buffer {
  if (attributes) return attributes;
  const made = Buffer.alloc(structureSize);
  const { attributes_init, attributes_flags, attributes_mask, attributes_default } = libc();
  attributes_init(made);
  attributes_mask(made, Buffer.alloc(signalSetSize));
  attributes_default(made, Buffer.alloc(signalSetSize, 0xff));
  attributes_flags(made, SETSIGDEF | SETSIGMASK | SETSID);
  return (attributes = made);
}

/** Starts the program; answers its pid, or the error number and its words. */
export function spawn(
  request: SpawnRequest,
): { readonly pid: number } | { readonly errno: number; readonly reason: string } {
  const { actions_init, actions_destroy, actions_dup2, actions_open, actions_chdir, posix_spawn } = libc();
  const env = [...entriesOf(request.env), request.mark.join('=')];
  // The C library would see the text up to there only.
  if ([request.path, request.cwd, ...request.words, ...env].some((text) => text.includes('\0')))
    return { errno: EINVAL, reason: 'a NUL character is in its words or its environment' };
  actions_init(actions);
  try {
    for (const file of request.files) {
      if ('from' in file) actions_dup2(actions, file.from, file.to);
      else actions_open(actions, file.to, file.path, file.flags, 0o666);
    }
    actions_chdir(actions, request.cwd);
    const errno = underInheritedLimit(() =>
      posix_spawn(pid, request.path, actions, spawnAttributes(), [...request.words, null], [...env, null]),
    );
    return errno === 0 ? { pid: pid.readInt32LE(0) } : { errno, reason: wordsOf(errno) };
  } finally {
    actions_destroy(actions);
  }
}

/** The name of a signal number, such as `SIGTERM`; undefined for one without a name. */
export function signalName(number: number): string | undefined {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
}
