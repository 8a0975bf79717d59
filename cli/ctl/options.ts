/** The options that every command has. */
import type { Argument } from '#plugins/controller/command.js';
import { usageFailure } from './failure.js';

/** An option and what its value is called in the help. */
export interface GlobalOption extends Argument {
  readonly value?: string;
}

/** In the order of the help. */
export const globalOptions: readonly GlobalOption[] = [
  {
    name: 'endpoint',
    kind: 'text',
    value: 'E',
    summary: "the daemon's address: tcp://HOST:PORT or ipc://PATH; default: $CIRCUSCTL_ENDPOINT, or its Unix socket",
  },
  {
    name: 'timeout',
    kind: 'number',
    value: 'N',
    summary: 'seconds to wait for an answer; default: 5, and with --waiting as long as it takes',
  },
  {
    name: 'key',
    kind: 'text',
    value: 'FILE',
    summary: 'your secret key, for a daemon with curve = 1; default: $CIRCUSCTL_KEY',
  },
  {
    name: 'server-key',
    kind: 'text',
    value: 'FILE',
    summary: "the daemon's public key, with --key; default: $CIRCUSCTL_SERVER_KEY",
  },
  { name: 'json', kind: 'flag', summary: 'print the reply as one line of JSON, also that of an error' },
  { name: 'prettify', kind: 'flag', summary: 'with --json: indented, keys in order' },
  { name: 'version', kind: 'flag', summary: 'print the version' },
  { name: 'help', kind: 'flag', summary: 'print this help, or that of the command' },
];

/** Their values. */
export interface GlobalValues {
  readonly endpoint: string | undefined;
  /** The files with one's own secret key and the daemon's public one. */
  readonly key: string | undefined;
  readonly serverKey: string | undefined;
  /** In ms. */
  readonly timeout: number;
  /** No time was said. */
  readonly patient: boolean;
  readonly json: boolean;
  readonly prettify: boolean;
  readonly version: boolean;
  readonly help: boolean;
}

/** What a timer of Node can hold, in ms. */
const longest = 2 ** 31 - 1;

/** From texts to values. @throws Failure */
export function readGlobals(given: ReadonlyMap<string, string | true>): GlobalValues {
  const text = String(given.get('timeout') ?? 5);
  const seconds = /^(\d+\.?\d*|\.\d+)$/.test(text.trim()) ? Number(text) : 0;
  if (seconds === 0) throw usageFailure(`--timeout is a number of seconds, not "${text}"`);
  return {
    endpoint: given.get('endpoint') as string | undefined,
    key: given.get('key') as string | undefined,
    serverKey: given.get('server-key') as string | undefined,
    timeout: Math.min(seconds * 1000, longest),
    patient: !given.has('timeout'),
    json: given.has('json'),
    prettify: given.has('prettify'),
    version: given.has('version'),
    help: given.has('help'),
  };
}
