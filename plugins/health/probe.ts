/** The questions to one process that its settings ask for. */
import daemon from 'node:process';
import { reasonOf, type PluginContext, type Process } from '#core';
import { readAddress, readUrl } from '../address.js';
import { askHttp, askTcp, type Probe } from '../ask.js';
import { fillIn, readWords } from './values.js';
import type { AliveSettings, ReadySettings } from './settings.js';

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
