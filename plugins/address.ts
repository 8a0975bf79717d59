/** Where something listens, as options say it. */

/** Where something is asked: a port of a host, or a Unix socket; with a path for HTTP. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** The file of a Unix socket, in place of the two. */
  readonly socketPath: string | undefined;
  readonly secure: boolean;
  readonly path: string;
}

/** A path as requests carry it, which are ASCII. */
function encodedPath(path = '/'): string {
  const { pathname, search } = new URL(`http://localhost${path}`);
  return pathname + search;
}

/** Reads `http://HOST:PORT/PATH`, also with https, or `http://unix:FILE:/PATH`. @throws Error that goes on after the key */
export function readUrl(text: string): Address {
  const unix = /^http:\/\/unix:(\/[^:]+)(?::(\/.*))?$/.exec(text);
  if (unix) return { host: 'localhost', port: 80, socketPath: unix[1], secure: false, path: encodedPath(unix[2]) };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || /[\s$]/.test(text))
    throw new Error(
      `is "${text}", and must be an address such as http://127.0.0.1:8000/up or http://unix:/run/web.sock:/up`,
    );
  const secure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port) || (secure ? 443 : 80);
  return { host, port, socketPath: undefined, secure, path: url.pathname + url.search };
}

/** Reads `HOST:PORT`, `PORT` or `unix:FILE`. @throws Error that goes on after the key */
export function readAddress(text: string): Address {
  const unix = /^unix:(\/.+)$/.exec(text);
  const [, host = '127.0.0.1', digits] = /^(?:(?:tcp:\/\/)?(\[[^\]]+\]|[^\s:[\]$]+):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (!unix && !(port > 0 && port < 65_536))
    throw new Error(`is "${text}", and must be an address such as 127.0.0.1:8000 or unix:/run/web.sock`);
  return { host: host.replace(/^\[|\]$/g, ''), port, socketPath: unix?.[1], secure: false, path: '' };
}
