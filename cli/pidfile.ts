/** The file that holds the daemon's process id, as Circus writes it (circus-compat §2.17). */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { reasonOf } from '#core';

function pidIn(path: string): number | undefined {
  const pid = existsSync(path) ? Number(readFileSync(path, 'utf8').trim()) : 0;
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Writes our pid; the returned function removes the file if it is still ours. @throws Error when another daemon has it */
export function writePidfile(path: string): () => void {
  try {
    const other = pidIn(path);
    if (other !== undefined && other !== process.pid && isRunning(other)) {
      throw new Error(`it belongs to process ${other}, which is running`);
    }
    if (!existsSync(dirname(path))) throw new Error('its folder does not exist');
    const file = openSync(path, 'w', 0o644);
    writeSync(file, `${process.pid}\n`);
    fsyncSync(file);
    closeSync(file);
  } catch (error) {
    throw new Error(`pid file "${path}": ${reasonOf(error)}`, { cause: error });
  }
  return () => {
    try {
      if (pidIn(path) === process.pid || pidIn(path) === undefined) rmSync(path, { force: true });
    } catch {
      // Somebody has put something else there.
    }
  };
}
