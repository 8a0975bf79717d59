/** Where a daemon keeps its state: one folder for each configuration file. */
import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, parse, resolve } from 'node:path';

/** The folder below which all daemons of this user keep their state; one that a service manager names goes first. */
function baseDirectory(environment: NodeJS.ProcessEnv, uid: number): string {
  const { CIRCUSD_STATE_DIR: own, STATE_DIRECTORY: given, XDG_STATE_HOME: home } = environment;
  // systemd may name several, with colons between them.
  const named = own || given?.split(':')[0];
  if (named) return resolve(named);
  if (uid === 0) return '/var/lib/circusd';
  return join(home && isAbsolute(home) ? home : join(homedir(), '.local', 'state'), 'circusd');
}

/** The path of a file without links in it; as it is where that can't be told. */
function real(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return resolve(file);
  }
}

/** The folder of the daemon with this configuration file: `said` comes from the file, and is seen from its folder. */
export function stateDirectory(
  said: string | undefined,
  file: string,
  environment: NodeJS.ProcessEnv = process.env,
  uid = process.geteuid?.() ?? 0,
): string {
  const path = real(file);
  const base = said === undefined ? baseDirectory(environment, uid) : resolve(dirname(file), said);
  // Many a file is called circus.ini.
  const mark = createHash('sha256').update(path).digest('hex').slice(0, 8);
  return join(base, `${parse(basename(path)).name}-${mark}`);
}
