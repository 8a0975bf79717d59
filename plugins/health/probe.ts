/** One question to one process: it is answered with nothing when all is well, or with a phrase that goes on after "it". */
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import daemon from 'node:process';
import { reasonOf, type PluginContext, type Process } from '#core';
import { fillIn, readAddress, readUrl, readWords, type Address } from './values.js';
import type { AliveSettings, ReadySettings } from './settings.js';

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

/** True when it accepts a connection, which is closed at once. */
function askTcp(address: Address): Probe {
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

function askHttp(address: Address, isGood: (status: number) => boolean, body: RegExp | undefined): Probe {
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

/** Runs a command with the rights, variables and folder of the process; it must end with 0. */
function askProgram(text: string, { spec, pid }: Process, run: PluginContext['run'], timeout: number): Probe {
  const [command, ...args] = [...spec.chain.flat(), ...readWords(text)] as [string, ...string[]];
  // Whoever it runs as may read its variables: there are none of the daemon but where programs are.
  const env = { PATH: daemon.env['PATH'] ?? '', ...spec.env, CIRCUS_PID: String(pid) };
  return async () => {
    const ran = await run(command, args, { env, bare: true, cwd: spec.cwd, timeout }).catch(reasonOf);
    if (typeof ran === 'string') return `can't be checked: ${ran}`;
    const { code, signal, stderr, stdout } = ran;
    if (code === 0) return undefined;
    const [said = ''] = `${stderr.trim()}\n${stdout.trim()}`.trim().split('\n');
    const how = code === null ? `killed by signal ${signal}` : `code ${code}`;
    return `fails its check with ${how}${said && `: ${said.slice(0, 200)}`}`;
  };
}

const isFine = (status: number) => status >= 200 && status < 400;

/** The probes that settings ask for, by their names. */
export function probesOf(
  { http, http_status = isFine, http_body, tcp, exec }: ReadySettings | AliveSettings,
  process: Process,
  run: PluginContext['run'],
  timeout: number,
): ReadonlyMap<'http' | 'tcp' | 'exec', Probe> {
  const own = (text: string) => fillIn(text, process.wid, process.spec.env);
  const probes = new Map<'http' | 'tcp' | 'exec', Probe>();
  if (http !== undefined) probes.set('http', askHttp(readUrl(own(http)), http_status, http_body));
  if (tcp !== undefined) probes.set('tcp', askTcp(readAddress(own(tcp))));
  if (exec !== undefined) probes.set('exec', askProgram(own(exec), process, run, timeout));
  return probes;
}
