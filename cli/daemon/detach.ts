/** Going into the background: the process that was called waits until the daemon stands, and tells how that went. */
import { spawn } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { announced } from './handed.js';

const variable = 'CIRCUSD_READY_FD';
const firstFd = 3;

/** Starts the same command line again in a session of its own; resolves with the exit code that its start deserves. */
export function detach(argv: readonly string[]): Promise<number> {
  const handed = announced(process.env);
  const readyFd = Math.max(firstFd - 1, ...handed) + 1;
  const daemon = spawn(process.execPath, [...process.execArgv, ...argv], {
    detached: true,
    // Sockets that were handed over keep their numbers.
    stdio: Array.from({ length: readyFd + 1 }, (_, fd) =>
      fd === readyFd ? 'pipe' : handed.includes(fd) ? fd : 'ignore',
    ),
    env: { ...process.env, [variable]: String(readyFd) },
  });
  return new Promise((resolve) => {
    let told = '';
    daemon.stdio[readyFd]!.on('data', (chunk: Buffer) => (told += chunk.toString()));
    daemon.stdio[readyFd]!.on('close', () => {
      if (told === 'ready') {
        daemon.unref();
        resolve(0);
        return;
      }
      if (told) process.stderr.write(told);
      if (daemon.exitCode !== null) resolve(daemon.exitCode);
      else daemon.once('exit', (code) => resolve(code ?? 1));
    });
  });
}

/** In the daemon: how to tell the process that waits. Does nothing when none does. */
export function waitingParent(): { ready(): void; failed(message: string): void } {
  const waits = process.env[variable] !== undefined;
  const readyFd = Number(process.env[variable]);
  delete process.env[variable];
  // Whoever handed sockets over knew only the process that was called.
  if (waits && process.env['LISTEN_PID'] === String(process.ppid)) process.env['LISTEN_PID'] = String(process.pid);
  const tell = (text: string) => {
    if (!waits) return;
    try {
      writeSync(readyFd, text);
      closeSync(readyFd);
    } catch {
      // It has gone away: nobody is there to be told.
    }
  };
  return { ready: () => tell('ready'), failed: (message) => tell(message.replaceAll(/^/gm, 'error: ').concat('\n')) };
}
