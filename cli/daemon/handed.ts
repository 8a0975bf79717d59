/** Sockets that whoever started the daemon has bound for it, by the convention of sd_listen_fds(3). */
import { fstatSync } from 'node:fs';

/** One of them: its name, and its descriptor. */
export interface Handed {
  readonly name: string;
  readonly fd: number;
}

const first = 3;

/** What the variables announce for the process `pid`; what is no socket was not handed over, and may be Node's own. */
export function announced({ LISTEN_PID, LISTEN_FDS = '' }: NodeJS.ProcessEnv, pid = process.pid): readonly number[] {
  if (LISTEN_PID !== String(pid) || !/^\d{1,4}$/.test(LISTEN_FDS)) return [];
  return Array.from({ length: Number(LISTEN_FDS) }, (_, at) => first + at).filter(isSocket);
}

/**
 * What was handed to this process, to be asked before it opens anything; the variables are taken out of the environment, as
 * they are not meant for its children.
 */
export function handedSockets(env: NodeJS.ProcessEnv): readonly Handed[] {
  const fds = announced(env);
  const names = (env['LISTEN_FDNAMES'] ?? '').split(':');
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete env[name];
  // systemd's own name is that of the unit.
  return fds.map((fd) => ({ name: (names[fd - first] ?? '').toLowerCase().replace(/\.socket$/, ''), fd }));
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}
