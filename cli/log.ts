/** circusd's own log: pino, as lines for people on a terminal and as JSON elsewhere. A log failure is never a service failure. */
import { statSync } from 'node:fs';
import { isatty } from 'node:tty';
import { pino, type DestinationStream, type Logger } from 'pino';
import type { Log } from '#core';

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
/** How often a log file is looked at for having been moved away, in ms. */
const lookEvery = 1000;

/** The log of the daemon, and the logs of its plugins. */
export interface DaemonLog extends Log {
  of(plugin: string): Log;
}

/** Opens the log. */
export function openLog({ level, output = '-', format }: LogOptions): DaemonLog {
  const file = output === '-' || output === 'stdout' ? undefined : output;
  const destination = file === undefined ? pino.destination({ dest: stderr, sync: true }) : openFile(file);
  // A full disk or a closed terminal must not end the daemon.
  destination.on('error', () => undefined);
  const forPeople = format === 'text' || (format === 'auto' && file === undefined && isatty(stderr));
  const stream: DestinationStream = forPeople ? { write: (line) => void destination.write(asText(line)) } : destination;
  const logger = pino({ level: levels[level?.toLowerCase() ?? 'info'] ?? 'info', base: { pid: process.pid } }, stream);
  return { ...wrap(logger), of: (plugin) => wrap(logger.child({ plugin })) };
}

/** A file that is opened again once somebody has moved it away, as logrotate does. */
function openFile(path: string) {
  const destination = pino.destination({ dest: path, sync: true, append: true, mkdir: true });
  let inode = statSync(path, { throwIfNoEntry: false })?.ino;
  let looked = Date.now();
  const write = destination.write.bind(destination);
  destination.write = (line: string) => {
    if (Date.now() - looked > lookEvery) {
      looked = Date.now();
      const found = statSync(path, { throwIfNoEntry: false })?.ino;
      if (found !== inode) destination.reopen();
      inode = found ?? statSync(path, { throwIfNoEntry: false })?.ino;
    }
    return write(line);
  };
  return destination;
}

function wrap(logger: Logger): Log {
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, facts?: Readonly<Record<string, unknown>>) => {
      logger[level](facts ?? {}, message);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** One line of JSON as Circus's line: `2026-01-31 12:00:00 circus[123] [INFO] message`. */
function asText(line: string): string {
  const { time, level, pid, plugin, msg } = JSON.parse(line) as {
    time: number;
    level: number;
    pid: number;
    plugin?: string;
    msg: string;
  };
  const date = new Date(time - new Date(time).getTimezoneOffset() * 60_000)
    .toISOString()
    .slice(0, 19)
    .replace('T', ' ');
  return `${date} circus[${pid}] [${labels[level] ?? level}] ${plugin ? `${plugin}: ` : ''}${msg}\n`;
}
