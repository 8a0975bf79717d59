/** What is not a watcher, and can be waited for all the same: a port, an address of HTTP, a file, a Unix socket. */
import { stat } from 'node:fs/promises';
import { readAddress, readUrl } from '../address.js';
import { askHttp, askTcp, type Probe } from '../ask.js';

/** One thing outside. */
export interface Outside {
  /** As written. */
  readonly text: string;
  readonly probe: Probe;
}

/** How the addresses of each kind begin, and what they look like. */
const forms = {
  'tcp:': 'tcp://HOST:PORT',
  'http:': 'http://HOST:PORT/PATH',
  'https:': 'https://HOST:PORT/PATH',
  'file:': 'file:/PATH',
  'unix:': 'unix:/PATH',
};
const isGood = (status: number) => status >= 200 && status < 400;

/** True for what can't be the name of a watcher, as it looks like an address. */
export const isAddress = (word: string): boolean => /^(?:[a-z][a-z0-9+.-]*:\/\/|(?:file|unix):)/i.test(word);

/** Looks whether there is something of this name; a socket nobody may be asked about is one too. */
const askFile =
  (path: string): Probe =>
  async () => {
    try {
      await stat(path);
      return undefined;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === 'ENOENT' || code === 'ENOTDIR' ? 'is not there' : `can't be looked at: ${code}`;
    }
  };

function probeOf(text: string): Probe {
  const [, scheme = '', rest = ''] = /^([a-z]+:)(.*)$/i.exec(text) ?? [];
  const path = rest.replace(/^\/\/(?=\/)/, '');
  switch (scheme.toLowerCase()) {
    case 'tcp:':
      return askTcp(readAddress(/^\/\/.+:\d+$/.test(rest) ? `tcp:${rest}` : text));
    case 'http:':
    case 'https:':
      return askHttp(readUrl(text), isGood, undefined);
    case 'file:':
      if (path.startsWith('/')) return askFile(path);
      break;
    case 'unix:':
      if (path.startsWith('/')) return askTcp(readAddress(`unix:${path}`));
      break;
    default:
  }
  throw new Error('no address');
}

/** Reads an address. @throws Error with a sentence that goes on after the key */
export function readOutside(text: string): Outside {
  try {
    return { text, probe: probeOf(text) };
  } catch {
    const [scheme = ''] = /^[a-z+.-]+:/i.exec(text) ?? [];
    const form = Object.entries(forms).find(([begin]) => begin === scheme.toLowerCase())?.[1];
    const what = form ?? `${Object.values(forms).slice(0, -1).join(', ')} or ${forms['unix:']}`;
    throw new Error(`names "${text}", and such an address is written as ${what}`);
  }
}
