/** What one process of a watcher is started with: its words, environment and descriptors, all variables filled in. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import { expand, quoteWord, splitWords } from './command.js';
import { CircusError } from './errors.js';
import type { Socket } from './socket.js';
import type { Environment, FileSpec, ProcessSpec, WatcherSpec } from './spec.js';

/** Where programs are looked up when the child has no PATH: the POSIX default. */
const defaultPath = '/bin:/usr/bin';
const listenFloor = 3;
/** Only the process itself knows the pid that sd_listen_fds(3) compares, so a shell says it just before the program. */
const listenLink = ['/bin/sh', '-c', 'LISTEN_PID=$$; export LISTEN_PID; exec "$@"', 'sh'];
/** Options that are floats in Circus: Python writes them with a decimal point. */
const floats = new Set(['graceful_timeout']);

/** Fields that are no options of Circus's. */
const hidden = new Set(['name', 'options', 'needs', 'env', 'secrets']);

/** Options of Circus's that are plugins' here; the free ones of a section are no variables, as in Circus. */
const ofPlugins = /^(?:[ug]id|rlimit_\w+|max_age(?:_variance)?)$/;

/** A value as Python's `str` writes it, which is what Circus puts into command lines. */
function pythonText(name: string, value: unknown): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'number') return floats.has(name) && Number.isInteger(value) ? value.toFixed(1) : String(value);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The environment of all processes of a watcher, before per-process variables. */
export function baseEnvironment(spec: WatcherSpec, daemon: NodeJS.ProcessEnv = process.env): Environment {
  return Object.freeze({ ...(spec.copy_env ? (daemon as Environment) : {}), ...spec.env });
}

/** True when processes of a watcher are given this socket. */
export function usesSocket({ use_sockets, sockets, stdin_socket }: WatcherSpec, name: string): boolean {
  const own = (given: string) => given.toLowerCase() === name;
  return (stdin_socket !== null && own(stdin_socket)) || (sockets.length > 0 ? sockets.some(own) : use_sockets);
}

/** The sockets that a watcher's processes inherit. @throws ERR_SOCKET_UNKNOWN */
function inheritedSockets(spec: WatcherSpec, sockets: ReadonlyMap<string, Socket>): readonly Socket[] {
  if (spec.sockets.length > 0) return spec.sockets.map((name) => socketFor(spec, name, sockets));
  return spec.use_sockets ? [...sockets.values()] : [];
}

function socketFor(spec: WatcherSpec, name: string, sockets: ReadonlyMap<string, Socket>): Socket {
  const socket = sockets.get(name.toLowerCase());
  if (!socket) throw new CircusError('ERR_SOCKET_UNKNOWN', [name, spec.name]);
  return socket;
}

/** Fills in what `$(circus.NAME)` knows at a spawn (Circus's expansion stage F). */
function fillerFor(spec: WatcherSpec, wid: number, env: Environment, sockets: ReadonlyMap<string, Socket>) {
  const lower = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) lower.set(name.toLowerCase(), value);
  const lookup = (name: string): string | undefined => {
    if (name === 'wid') return String(wid);
    if (name.startsWith('env.')) return lower.get(name.slice(4));
    if (name.startsWith('sockets.')) return sockets.get(name.slice(8))?.fd.toString();
    const key = name.replace(/^rlimits\./, 'rlimit_');
    const own: Readonly<Record<string, unknown>> = ofPlugins.test(key) ? spec.options : { ...spec };
    return hidden.has(key) || !Object.hasOwn(own, key) ? undefined : pythonText(key, own[key]);
  };
  return (text: string) => expand(text, lookup);
}

const isPlain = (text: string) => !/circus\./i.test(text);

/** A text about the starting of a process, without the secrets that were filled into its words. */
export function withoutSecrets(text: string, { secrets, env }: Pick<WatcherSpec, 'secrets' | 'env'>): string {
  return secrets.reduce((masked, name) => (env?.[name] ? masked.replaceAll(env[name], '***') : masked), text);
}

/** True when all processes of a watcher are started alike: no variable is filled in, and no socket handed over. */
function isUniform(spec: WatcherSpec, base: Environment): boolean {
  if (spec.use_sockets || spec.sockets.length > 0 || spec.stdin_socket !== null) return false;
  return [spec.cmd, spec.args, spec.shell_args, ...Object.values(base)]
    .flat()
    .every((text) => text === null || isPlain(text));
}

/** Builds the last form of a spec for the process in this place. @throws ERR_COMMAND_*, ERR_SOCKET_UNKNOWN, ERR_SYSTEM_CALL */
export function processSpec(
  spec: WatcherSpec,
  base: Environment,
  { wid, seat = 0 }: { readonly wid: number; readonly seat?: number },
  sockets: ReadonlyMap<string, Socket>,
): ProcessSpec {
  const fill = fillerFor(spec, wid, base, sockets);
  const words = commandWords(spec, fill);
  if (words[0] === undefined) throw new CircusError('ERR_COMMAND_EMPTY', [spec.name]);

  const files: Record<number, FileSpec> = {
    0: spec.close_child_stdin ? 'null' : 'inherit',
    1: spec.close_child_stdout ? 'null' : 'inherit',
    2: spec.close_child_stderr ? 'null' : 'inherit',
  };
  const inherited = inheritedSockets(spec, sockets);
  const own = (socket: Socket): FileSpec => ({ descriptor: socket.seat(spec.name, seat) });
  for (const socket of inherited) files[socket.fd] = own(socket);
  if (spec.stdin_socket !== null) files[0] = own(socketFor(spec, spec.stdin_socket, sockets));

  // A secret is what its file says, whatever that looks like.
  const fillOwn = (text: string, name: string) => (spec.secrets.includes(name) ? text : fill(text));
  let env = Object.values(base).every(isPlain) ? base : mapValues(base, fillOwn);
  if (spec.listen_fds && inherited.length > 0) {
    for (const [at, socket] of inherited.entries()) files[listenFloor + at] = own(socket);
    const names = inherited.map((socket) => socket.spec.name).join(':');
    env = Object.freeze({ ...env, LISTEN_FDS: String(inherited.length), LISTEN_FDNAMES: names });
  }
  return Object.freeze({
    command: words[0],
    args: Object.freeze(words.slice(1)),
    ...(spec.secrets.length > 0 && { shown: shownWords(spec, wid, base, sockets) }),
    ...(spec.executable !== null && !spec.shell && { executable: spec.executable }),
    chain: Object.freeze([]),
    env,
    cwd: spec.working_dir,
    files: Object.freeze(files),
  });
}

/** A process as plugins have left it, told its pid behind all that they put in front of it, one of which may fork. */
export function withListenPid(process: ProcessSpec, { listen_fds }: WatcherSpec): ProcessSpec {
  const isListening = listen_fds && process.env['LISTEN_FDS'] !== undefined;
  return isListening ? { ...process, chain: [...process.chain, listenLink] } : process;
}

/** The words of `cmd` and `args`, or those of the shell that runs them; none when there is nothing to run. */
function commandWords(spec: WatcherSpec, fill: (text: string) => string): readonly string[] {
  const wordsOf = (value: string | readonly string[] | null) =>
    value === null ? [] : typeof value === 'string' ? splitWords(fill(value)) : value.map(fill);
  const words = [...wordsOf(spec.cmd), ...wordsOf(spec.args)];
  if (!spec.shell || words.length === 0) return words;
  return [spec.executable ?? '/bin/sh', '-c', words.map(quoteWord).join(' '), ...wordsOf(spec.shell_args)];
}

/** The words without secrets: taken apart by a shell's rules, these could not be found in them any more. */
function shownWords(spec: WatcherSpec, wid: number, base: Environment, sockets: ReadonlyMap<string, Socket>) {
  const mask = (text: string, name: string) => (spec.secrets.includes(name) ? '***' : text);
  try {
    return commandWords(spec, fillerFor(spec, wid, mapValues(base, mask), sockets));
  } catch {
    // A quote that is in a secret has its fellow outside.
    return ['***', '***'];
  }
}

function mapValues(env: Environment, change: (text: string, name: string) => string): Environment {
  return Object.freeze(Object.fromEntries(Object.entries(env).map(([name, value]) => [name, change(value, name)])));
}

/** The specs of a watcher's processes before plugins have changed them; one for all where they are started alike. */
export class PlainSpecs {
  #last: { readonly of: WatcherSpec; readonly base: Environment; readonly plain: ProcessSpec | undefined } | undefined;

  /** The spec for the process with this `wid`; `sit` finds its seat. @throws what `processSpec` throws */
  of(spec: WatcherSpec, wid: number, sit: () => number, sockets: ReadonlyMap<string, Socket>): ProcessSpec {
    if (this.#last?.of !== spec) {
      const base = baseEnvironment(spec);
      const plain = isUniform(spec, base) ? processSpec(spec, base, { wid }, sockets) : undefined;
      this.#last = { of: spec, base, plain };
    }
    return this.#last.plain ?? processSpec(spec, this.#last.base, { wid, seat: sit() }, sockets);
  }
}

/** The absolute path of a program, as the child's own PATH finds it. @throws ERR_COMMAND_NOT_FOUND */
export function findProgram(command: string, path: string | undefined, cwd: string): string {
  if (command.includes('/')) return resolve(cwd, command);
  const folders = (path ?? defaultPath).split(delimiter);
  for (const folder of folders) {
    const file = resolve(cwd, folder, command);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // Not here: the next folder may have it.
    }
  }
  throw new CircusError('ERR_COMMAND_NOT_FOUND', [
    command,
    path === undefined ? 'the default path (no PATH is set)' : 'PATH',
  ]);
}
