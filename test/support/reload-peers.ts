/** Other supervisors that replace the processes of a Node program: PM2's cluster mode, and supervisord's restart. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { eventually } from './eventually.js';
import { run } from './run.js';
import type { Temporary } from './temporary.js';

/** What is to be run: the program is `app.mjs` in the folder. */
export interface Task {
  readonly folder: Temporary;
  readonly port: number;
  readonly processes: number;
}

/** A supervisor with one program. */
export interface Peer {
  /** Resolves with the reason when it fails. */
  reload(): Promise<string | undefined>;
  stop(): Promise<void>;
}

/** How to run a program that takes its socket as descriptor 0, or one that listens itself. */
export interface PeerKind {
  readonly name: string;
  readonly listens: 'on descriptor 0' | 'itself';
  readonly start: (task: Task) => Promise<Peer>;
}

const patience = 60_000;

const isThere = (command: string) => ['/usr/bin', '/usr/local/bin'].some((folder) => existsSync(join(folder, command)));

/** Runs a command; resolves with its complaint when it fails. */
async function failureOf(command: string, args: readonly string[], env = process.env): Promise<string | undefined> {
  const { code, stdout, stderr } = await run(command, args, { env, within: patience });
  return code === 0 ? undefined : stdout + stderr;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

const supervisordFile = ({ folder: { path }, port, processes }: Task) => `[unix_http_server]
file=${path}/s.sock
[supervisord]
logfile=/dev/null
logfile_maxbytes=0
pidfile=${path}/supervisord.pid
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://${path}/s.sock
[fcgi-program:web]
command=${process.execPath} ${path}/app.mjs 0
socket=tcp://127.0.0.1:${port}
process_name=%(program_name)s_%(process_num)d
numprocs=${processes}
startsecs=0
stdout_logfile=NONE
stderr_logfile=NONE
`;

/** supervisord, which has no reload; undefined when it is not installed. */
export function findSupervisord(): PeerKind | undefined {
  if (!isThere('supervisord')) return undefined;
  const start = async (task: Task): Promise<Peer> => {
    const file = task.folder.write('supervisord.conf', supervisordFile(task));
    const child = spawn('supervisord', ['-n', '-s', '-c', file], { stdio: 'ignore' });
    return {
      reload: () => failureOf('supervisorctl', ['-c', file, 'restart', 'web:*']),
      stop: () => {
        child.kill('SIGTERM');
        return ended(child);
      },
    };
  };
  return { name: 'supervisord, restart', listens: 'on descriptor 0', start };
}

/** PM2's cluster mode, from npm, installed into the folder. @throws when it can't be had */
export async function fetchPm2({ path, write }: Temporary): Promise<PeerKind> {
  write('package.json', '{}');
  const npm = join(dirname(process.execPath), 'npm');
  const words = ['install', '--no-audit', '--no-fund', '--no-save', '--loglevel=error', 'pm2'];
  const { code, stderr } = await run(existsSync(npm) ? npm : 'npm', words, { cwd: path, within: 120_000 });
  if (code !== 0) throw new Error(stderr.trim().split('\n').at(-1));
  const { version } = JSON.parse(readFileSync(`${path}/node_modules/pm2/package.json`, 'utf8')) as { version: string };
  const program = `${path}/node_modules/pm2/bin/pm2`;
  const start = async ({ folder, processes }: Task): Promise<Peer> => {
    const home = `${folder.path}/pm2`;
    const quiet = { PM2_DISABLE_VERSION_CHECK: 'true', PM2_DISCRETE_MODE: 'true', NO_COLOR: '1' };
    const env = { ...process.env, ...quiet, PM2_HOME: home, PM2_KILL_SIGNAL: 'SIGTERM' };
    const ctl = (...args: readonly string[]) => failureOf(process.execPath, [program, ...args], env);
    const app = { name: 'web', script: `${folder.path}/app.mjs`, exec_mode: 'cluster', instances: processes };
    const files = { out_file: '/dev/null', error_file: '/dev/null' };
    const failure = await ctl('start', folder.write('web.json', JSON.stringify({ apps: [{ ...app, ...files }] })));
    if (failure !== undefined) throw new Error(failure);
    const pid = Number(readFileSync(`${home}/pm2.pid`, 'utf8'));
    return {
      reload: () => ctl('reload', 'web'),
      stop: async () => {
        await ctl('kill');
        await eventually(() => !existsSync(`/proc/${pid}`), { within: patience });
      },
    };
  };
  return { name: `PM2 ${version}, cluster reload`, listens: 'itself', start };
}
