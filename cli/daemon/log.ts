/** circusd's own log: pino, as lines for people on a terminal and as JSON elsewhere. A log failure is never a service failure. */
import { closeSync, constants, fstatSync, openSync, statSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { pino, type DestinationStream, type Logger } from 'pino';
import { reasonOf, type Log } from '#core';

/** Where and how to log. */
export interface LogOptions {
  /** One of Circus's levels: debug, info, warning, error, critical; anything else counts as info. */
  readonly level: string | undefined;
  /** A file, or `-` (also `stdout`, as in Circus) for the standard error. */
  readonly output: string | undefined;
  readonly format: 'auto' | 'text' | 'json';
}

const stderr = 2;
const levels: Readonly<Record<string, string>> = {
  debug: 'debug',
  info: 'info',
  warning: 'warn',
  warn: 'warn',
  error: 'error',
  critical: 'fatal',
};
const labels: Readonly<Record<number, string>> = {
  20: 'DEBUG',
  30: 'INFO',
  40: 'WARNING',
  50: 'ERROR',
  60: 'CRITICAL',
};
/** How much is kept of what cannot be written now, in bytes. */
const patience = 2 ** 20;
/** How soon a reader that was too slow is tried again, in ms. */
const again = 100;

/** The log of the daemon, and the logs of its plugins. */
export interface DaemonLog extends Log {
  /** True when whoever called the program does not see it. */
  readonly elsewhere: boolean;
  of(plugin: string): Log;
}

/** Opens the log. @throws Error when its file cannot be opened */
export function openLog({ level, output = '-', format }: LogOptions): DaemonLog {
  const foreign = output.startsWith('syslog:');
  const file = output === '-' || output === 'stdout' || foreign ? undefined : output;
  const destination = new Destination(file);
  const forPeople = format === 'text' || (format === 'auto' && file === undefined && isatty(stderr));
  const stream: DestinationStream = forPeople ? { write: (line) => destination.write(asText(line)) } : destination;
  const logger = pino({ level: levels[level?.toLowerCase() ?? 'info'] ?? 'info', base: { pid: process.pid } }, stream);
  const log = wrap(logger);
  if (foreign) log.warn(`"${output}" is not supported yet: this log goes to the standard error`);
  return { ...log, of: (plugin) => wrap(logger.child({ plugin })), elsewhere: file !== undefined };
}

/**
 * Where lines are written: the standard error, or a file that is opened again once somebody has moved it away, as
 * logrotate does. Nothing that happens to it is thrown: a full disk or a closed terminal must not end the daemon.
 */
class Destination {
  readonly #path: string | undefined;
  #fd = stderr;
  #rest: Buffer = Buffer.alloc(0);
  #timer: NodeJS.Timeout | undefined;

  constructor(path: string | undefined) {
    this.#path = path;
    if (path === undefined) return;
    try {
      this.#fd = openFile(path);
    } catch (error) {
      throw new Error(`the log "${path}" cannot be opened: ${reasonOf(error)}`, { cause: error });
    }
  }

  write(line: string): void {
    if (this.#path !== undefined) this.#reopen(this.#path);
    // What comes when too much waits is lost; a line that was begun is ended before the next one.
    if (this.#rest.length < patience) this.#rest = Buffer.concat([this.#rest, Buffer.from(line)]);
    this.#flush();
  }

  #flush(): void {
    try {
      while (this.#rest.length > 0) this.#rest = this.#rest.subarray(writeSync(this.#fd, this.#rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || this.#timer) return;
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#flush();
      }, again).unref();
    }
  }

  #reopen(path: string): void {
    try {
      const there = statSync(path, { throwIfNoEntry: false });
      const ours = fstatSync(this.#fd);
      if (there?.ino === ours.ino && there.dev === ours.dev) return;
      const fd = openFile(path);
      closeSync(this.#fd);
      this.#fd = fd;
    } catch {
      // The old one is still there.
    }
  }
}

/**
 * Opens a log at its end, for its owner and group alone. A link is not followed, or whoever can make one would choose
 * what we write to; but those of the system are, such as /dev/stderr. A pipe that nobody reads does not hold us up.
 */
function openFile(path: string): number {
  const { O_APPEND, O_CREAT, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;
  const follow = /^\/(?:dev|proc\/self\/fd)\//.test(path) ? 0 : O_NOFOLLOW;
  try {
    return openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK | follow, 0o640);
  } catch (error) {
    if (follow === 0 || (error as NodeJS.ErrnoException).code !== 'ELOOP') throw error;
    throw new Error('it is a symbolic link', { cause: error });
  }
}

function wrap(logger: Logger): Log {
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, facts?: Readonly<Record<string, unknown>>) => {
      logger[level](facts ?? {}, message);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** One line of JSON as Circus's line: `2026-01-31 12:00:00 circus[123] [INFO] message`; below it where a fault comes from. */
function asText(line: string): string {
  const { time, level, pid, plugin, msg, stack } = JSON.parse(line) as {
    time: number;
    level: number;
    pid: number;
    plugin?: string;
    msg: string;
    stack?: string;
  };
  const date = new Date(time - new Date(time).getTimezoneOffset() * 60_000)
    .toISOString()
    .slice(0, 19)
    .replace('T', ' ');
  const prefix = plugin && !msg.startsWith(`plugin ${plugin} `) ? `${plugin}: ` : '';
  const frames = stack?.match(/^ +at .*$/gm) ?? [];
  return [`${date} circus[${pid}] [${labels[level] ?? level}] ${prefix}${msg}`, ...frames, ''].join('\n');
}
