/** Running circusctl as a user does, away from any daemon that this machine may have. */
import { program } from '../../support/paths.js';
import { run, type Ran, type RunOptions } from '../../support/run.js';

/** An environment in which no endpoint is named and the runtime directory is `folder`. */
export const bareEnvironment = (folder: string): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  HOME: folder,
  CIRCUSD_RUNTIME_DIR: folder,
});

/** Runs circusctl to its end; `folder` is where a daemon would be. */
export function circusctl(folder: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const env = { ...bareEnvironment(folder), ...options.env };
  return run(process.execPath, [program('circusctl'), ...args], { ...options, env });
}
