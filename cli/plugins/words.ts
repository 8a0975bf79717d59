/** The words that start a plugin in a process of its own, once it is known that they would. */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { findProgram, reasonOf, type WatcherSpec } from '#core';
import { pluginNamed } from '../config/rewrite.js';
import { protective } from '../config/schema.js';
import { circusConfig, jsonConfig, safeJson, type PluginConfig } from '../plugin-host/config-string.js';
import type { Refusal } from './options.js';
import type { DaemonFacts } from '../daemon/facts.js';
import { firstParty, locate } from './find.js';

/** What is to be started, and in what surroundings. */
export interface Wish {
  readonly use: string;
  /** Its watcher: where it runs, and in what environment. */
  readonly spec: WatcherSpec;
  readonly facts: DaemonFacts;
  /** The folder of the configuration file. */
  readonly folder: string;
}

/** A command line, not quoted. */
export interface Words {
  readonly words: readonly string[];
}

type Configured = Wish & { readonly config: PluginConfig };

/** How long a look at a plugin may take, in ms. */
const patience = 10_000;

/** True for what can only be a Python class: a dotted name, or MODULE:CLASS, that is none of ours and no package. */
export function isPythonName(use: string, folder: string): boolean {
  if (!/^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*[.:][A-Za-z_]\w*$/.test(use.trim()) || firstParty(pluginNamed(use)))
    return false;
  try {
    locate(use.trim(), folder);
    return false;
  } catch {
    return true;
  }
}

/** The options of the command line that Circus's `circus-plugin` and ours share. */
function sharedOptions({ endpoint, pubsub, loglevel, logoutput }: DaemonFacts, config: string): readonly string[] {
  return [
    ...['--endpoint', endpoint, '--pubsub', pubsub, '--config', config],
    ...(loglevel ? ['--log-level', loglevel] : []),
    ...(logoutput ? ['--log-output', logoutput] : []),
  ];
}

/** How a program ended that looked at a plugin, and what it wrote. */
interface Look {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program as the watcher would; what is to have fewer rights than the daemon is not looked at with all of them. */
function look(program: string, words: readonly string[], { spec }: Wish): Promise<Look> {
  if (Object.keys(spec.options).some((key) => protective.has(key)))
    return Promise.resolve({ code: 0, stdout: '', stderr: '' });
  const env = { ...(spec.copy_env && process.env), ...spec.env };
  return new Promise((done) => {
    const options = { cwd: spec.working_dir, env, timeout: patience, killSignal: 'SIGKILL' } as const;
    const child = execFile(program, [...words], options, (error, stdout, stderr) =>
      done({
        code: error ? (error.killed ? 'timeout' : error.code) : 0,
        stdout,
        stderr: stderr || (error?.message ?? ''),
      }),
    );
    child.stdin?.end();
  });
}

/** The command line of one of our plugins; its module is looked at in a process of its own too. */
export async function nodeWords(wish: Configured): Promise<Words | { readonly refusals: readonly Refusal[] }> {
  const { use, folder, facts } = wish;
  const unfit = (message: string) => ({ refusals: [{ key: undefined, message }] });
  let module: string;
  try {
    module = locate(use, folder);
  } catch (error) {
    return unfit(reasonOf(error));
  }
  const program = join(
    dirname(createRequire(import.meta.url).resolve('circusd/package.json')),
    'dist/cli/circus-plugin.js',
  );
  const config = jsonConfig(wish.config);
  const { code, stdout, stderr } = await look(process.execPath, [program, '--check', '--config', config, module], wish);
  if (code === 'timeout') return unfit(`plugin "${use}" has not come to an end within 10 s while it was looked at`);
  if (code !== 0) {
    const refusals = stdout.split('\n').flatMap((line) => readRefusal(line) ?? []);
    return refusals.length > 0 ? { refusals } : unfit(`plugin "${use}" can't be looked at: ${lastLine(stderr)}`);
  }
  const delay = ['--check-delay', String(facts.checkDelay)];
  return { words: [process.execPath, program, ...sharedOptions(facts, config), ...delay, module] };
}

/** A line of `circus-plugin --check`; undefined for what the plugin itself has written. */
function readRefusal(line: string): Refusal | undefined {
  try {
    const found = JSON.parse(line) as Refusal | null;
    return typeof found?.message === 'string' ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Exit codes: 3 without Circus, 4 without the class. */
const pythonLook = `
import importlib, sys
def end(code, error):
    sys.stderr.write('\\n%s: %s\\n' % (type(error).__name__, ' '.join(str(error).split())))
    sys.exit(code)
try:
    from circus import plugins
    plugins.main
except Exception as error:
    end(3, error)
try:
    module, _, name = sys.argv[1].replace(':', '.').rpartition('.')
    getattr(importlib.import_module(module), name)
except Exception as error:
    end(4, error)
`;

/** As Circus starts its plugins. */
const pythonMain = 'from circus import plugins;plugins.main()';
/** The same where a word looks like one of our variables: the words come as JSON, in which none does. */
const pythonMainOfJson = `import json,sys;sys.argv[1:]=json.loads(sys.argv[1]);${pythonMain}`;

/** The command line of a Python class, as Circus has it; else why it can't run, as a sentence about it and one about Circus's own. */
export async function pythonWords(
  wish: Configured,
  interpreter: string,
): Promise<Words | { readonly why: string; readonly own: string }> {
  const { use, spec, facts, folder } = wish;
  const unfit = (own: string) => {
    try {
      locate(use, folder);
    } catch (error) {
      return { own, why: `${reasonOf(error)}, and as a Python class ${own}` };
    }
    return { own, why: own };
  };
  let python: string;
  try {
    python = findProgram(interpreter, spec.env?.['PATH'], spec.working_dir);
  } catch (error) {
    return unfit(`it needs Python: ${reasonOf(error)}`);
  }
  const { code, stderr } = await look(python, ['-c', pythonLook, use], wish);
  const said = lastLine(stderr);
  if (code === 'timeout') return unfit(`it has not been imported by ${python} within 10 s`);
  if (code === 4) return unfit(`it can't be imported by ${python} (${said})`);
  if (code === 3) return unfit(`it needs Python's package "circus", which ${python} can't import (${said})`);
  if (code !== 0) return unfit(`it can't be looked at by ${python} (${said})`);
  const words = [...sharedOptions(facts, circusConfig(wish.config)), use];
  const isPlain = words.every((word) => !/(?:\$|\()\(circus\./i.test(word));
  return { words: isPlain ? [python, '-c', pythonMain, ...words] : [python, '-c', pythonMainOfJson, safeJson(words)] };
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}
