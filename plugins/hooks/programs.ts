/** Hooks that are programs: commands in any language, and Python functions. */
import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';
import { baseEnvironment, withoutSecrets } from '#core';
import type { Environment, PluginContext, RunResult, WatcherSpec } from '#core';
import { plain } from '../plain.js';
import { programOf } from '../exec.js';
import { withoutCode } from '../variables.js';
import { bridge } from './bridge.js';
import { arbiterFacts, factsOf, watcherFacts, type Answer, type Call } from './call.js';
import type { Target } from './setting.js';
import { pythonOf } from './settings.js';

type Of<Kind> = Extract<Target, { kind: Kind }>;

/** What programs are run with. */
export interface ProgramContext extends Pick<PluginContext, 'arbiter' | 'run'> {
  /** The folder of the configuration. */
  readonly folder: string;
  readonly endpoint: string | undefined;
  /** An environment with what Python functions have changed in that of the watcher. */
  readonly changed: (env: Environment) => Environment;
  /** Aborted when the time is up: the program is killed with all that it started. */
  readonly signal: AbortSignal;
}

/** How many of the last lines of a program are told, and how many letters of each. */
const told = { lines: 3, letters: 200 };

/** The end of what a program wrote, in one line. */
function lastWords({ stderr, stdout }: Pick<RunResult, 'stderr' | 'stdout'>, spec: WatcherSpec): string {
  const lines = withoutSecrets(stderr.trim() || stdout.trim(), spec)
    .split('\n')
    .slice(-told.lines);
  const text = lines.map((line) => line.trim().slice(0, told.letters)).join(' / ');
  return text === '' ? '' : `: ${plain(text, ' ')}`;
}

/** Runs a command: 0 is yes, any other code no. @throws Error when it can't be run, or was killed */
export async function callCommand({ words }: Of<'command'>, call: Call, around: ProgramContext): Promise<Answer> {
  const { watcher, given } = call;
  const { spec } = watcher;
  const { stats } = given;
  const [word = '', ...args] = words;
  const result = await around.run(programOf(word, around.folder), args, {
    env: { ...withoutCode(around.changed(spec.env ?? {})), ...factsOf(call, around.endpoint) },
    cwd: existsSync(spec.working_dir) ? spec.working_dir : around.folder,
    signal: around.signal,
    ...(stats !== undefined && { input: JSON.stringify(stats) }),
  });
  around.signal.throwIfAborted();
  if (result.signal !== null) throw new Error(`was killed by signal ${result.signal}${lastWords(result, spec)}`);
  if (result.code !== 0)
    return { yes: false, failed: true, why: `exited with code ${result.code}${lastWords(result, spec)}` };
  if (stats !== undefined && result.stdout.trim() !== '') Object.assign(stats as object, readObject(result.stdout));
  return { yes: true };
}

function readObject(text: string): object {
  const found: unknown = JSON.parse(text);
  if (typeof found !== 'object' || found === null || Array.isArray(found))
    throw new Error('wrote JSON that is no object');
  return found;
}

/**
 * Where Python looks for modules behind its own: in the folder of the configuration, then as in Circus in the watcher's
 * PYTHONPATH, and in its working folder. With a user of its own these two are left out: what lies there may be his, and
 * would run with the rights of the daemon.
 */
export function pythonPath(spec: WatcherSpec, env: Environment, folder: string): readonly string[] {
  const own = spec.options['uid'] == null ? [...(env['PYTHONPATH'] ?? '').split(delimiter), spec.working_dir] : [];
  return [folder, ...own].filter((one) => one !== '');
}

interface PythonResult {
  readonly answer?: boolean;
  readonly shown?: string;
  readonly env?: Answer['env'];
  readonly stats?: object | null;
  readonly error?: string;
}

/** Calls a Python function in a process of its own. @throws Error with what it raised */
export async function callPython({ module, name }: Of<'python'>, call: Call, around: ProgramContext): Promise<Answer> {
  const { watcher, point, given } = call;
  const { spec } = watcher;
  const env = around.changed(baseEnvironment(spec));
  const input = JSON.stringify({
    path: pythonPath(spec, env, around.folder),
    call: {
      ...{ module, name, hook: point, arguments: given },
      watcher: watcherFacts(watcher, env),
      arbiter: arbiterFacts(around.arbiter, around.endpoint),
    },
  });
  const { signal, endpoint } = around;
  const settings = { env: factsOf(call, endpoint), cwd: around.folder, input, signal };
  const result = await around.run(pythonOf(spec, around.folder), ['-c', bridge], settings);
  signal.throwIfAborted();
  const found = readResult(result.stdout);
  if (found?.error !== undefined) throw new Error(`raised ${found.error}`, { cause: result.stderr });
  if (found === undefined) {
    const how = result.signal === null ? `exited with code ${result.code}` : `was killed by signal ${result.signal}`;
    throw new Error(`${how} without an answer${lastWords(result, spec)}`);
  }
  if (found.stats) Object.assign(given['stats'] as object, found.stats);
  return { yes: found.answer === true, why: `returned ${found.shown}`, env: found.env ?? {} };
}

function readResult(text: string): PythonResult | undefined {
  try {
    return JSON.parse(text) as PythonResult;
  } catch {
    return undefined;
  }
}
