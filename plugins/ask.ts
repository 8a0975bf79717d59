/** One question over the network: it is answered with nothing when all is well, or with a phrase that goes on after "it". */
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Address } from './address.js';

/** Asks once; the signal ends the question. */
export type Probe = (signal: AbortSignal) => Promise<string | undefined>;

/** So much of an answer is looked at, in bytes. */
const mostBody = 65_536;

const where = ({ socketPath, host, port }: Address) =>
  socketPath === undefined ? { host, port } : { path: socketPath };

/** What a failed connection says. */
const refusal = (error: NodeJS.ErrnoException) =>
  error.code === 'ECONNREFUSED' || error.code === 'ENOENT'
    ? 'takes no connection'
    : `fails: ${error.message || error.code}`;

/** Asks for a connection, which is closed at once. */
export function askTcp(address: Address): Probe {
  return (signal) =>
    new Promise((resolve) => {
      const client = connect({ ...where(address), signal });
      client.once('error', (error) => resolve(refusal(error)));
      client.once('connect', () => {
        resolve(undefined);
        client.destroy();
      });
    });
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    if ((size += chunk.length) >= mostBody) break;
  }
  return Buffer.concat(chunks).subarray(0, mostBody).toString();
}

/** Asks over HTTP, and judges the state and, where a pattern is given, the body. */
export function askHttp(address: Address, isGood: (status: number) => boolean, body: RegExp | undefined): Probe {
  const { host, port, socketPath, path, secure } = address;
  const headers = { 'user-agent': 'circusd', connection: 'close' };
  return async (signal) => {
    const { request } = await (secure ? import('node:https') : import('node:http'));
    return new Promise((resolve) => {
      const to = socketPath === undefined ? { host, port } : { socketPath };
      // As with an address by number there is no name that a certificate could be for.
      const asked = request({ ...to, path, headers, agent: false, rejectUnauthorized: false, signal }, (response) => {
        const answer = judge(response).catch((error: unknown) => refusal(error as Error));
        void answer.then(resolve).finally(() => asked.destroy());
      });
      asked.once('error', (error) => resolve(refusal(error)));
      asked.end();
    });
  };

  async function judge(response: IncomingMessage): Promise<string | undefined> {
    const { statusCode = 0 } = response;
    if (!isGood(statusCode)) return `answers with state ${statusCode}`;
    if (body === undefined) return undefined;
    return body.test(await bodyOf(response)) ? undefined : 'answers with another body';
  }
}
