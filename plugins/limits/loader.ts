/**
 * Variables that have a program run code of somebody else's or read his files. The links of the chain run with the
 * daemon's rights, so they must not have them: a last link gives them to the command, which has its own rights then.
 */
import type { ProcessSpec } from '#core';
import { isDangerous } from '../variables.js';

/** The process with such variables kept from its chain; `env` is the path of env(1). @throws Error */
export function sheltered(process: ProcessSpec, env: string | undefined): ProcessSpec {
  const entries = Object.entries(process.env);
  const kept = entries.filter(([name]) => isDangerous(name));
  if (kept.length === 0) return process;
  if (env === undefined) throw new Error('the program "env" (package coreutils) is not in the PATH of circusd');
  if (process.command.includes('='))
    throw new Error(
      `"${process.command}" has a "=" in it, so it can't be given ${kept.map(([name]) => name).join(', ')}`,
    );
  return {
    ...process,
    env: Object.fromEntries(entries.filter(([name]) => !isDangerous(name))),
    chain: [...process.chain, [env, ...kept.map(([name, value]) => `${name}=${value}`)]],
  };
}
