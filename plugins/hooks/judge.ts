/** Looks at the hooks of watchers without the plugin: for whoever checks a file, or changes a watcher. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { baseEnvironment, reasonOf, type WatcherSpec } from '#core';
import type { Flaw, Judge } from '../flaw.js';
import { syntaxPlace } from '../syntax.js';
import { bridge } from './bridge.js';
import { fileOf, lackIn, namesHere, type ModuleTarget } from './modules.js';
import { pythonPath } from './programs.js';
import { flawsIn, pythonOf, settingsOf } from './settings.js';
import { together, tryAll, type Verdict } from './trial.js';

type Ask = (question: string) => Promise<Verdict>;

/** How long the import of one module may take, in ms. */
const longest = 10_000;

/**
 * Imports the modules that it is given, and tells the names of their functions. What a module prints goes to the error
 * output, and what fails after its import is not looked at.
 */
const importer = `
import { writeSync } from 'node:fs';
import { text } from 'node:stream/consumers';

process.stdout.write = process.stderr.write.bind(process.stderr);
process.on('uncaughtException', () => undefined);
// A module that waits for nothing that could come would end the process.
setInterval(() => undefined, 1000);
const say = (...what) => writeSync(1, JSON.stringify(what) + '\\n');
const modules = JSON.parse(await text(process.stdin));
say();
for (const [at, href] of modules.entries()) {
  try {
    const found = await import(href);
    say(at, { names: Object.keys(found).filter((name) => typeof found[name] === 'function') });
  } catch (error) {
    const [reason] = String(Object(error).message ?? error).split('\\n');
    say(at, { error: error instanceof SyntaxError ? 'SyntaxError: ' + reason : reason });
  }
}
process.exit();
`;

/**
 * Judges the hooks of many watchers. What these name is imported by other processes: one for all modules in JavaScript, and
 * one for all functions of a Python with the same folders. `patience` is how long one import may take, in ms.
 */
export function judge(given: string, patience = longest): Judge {
  const folder = resolve(given);
  const javaScript = together((modules) => {
    const own = process.execArgv.filter((arg) => !arg.startsWith('--inspect'));
    const args = [...own, '--input-type=module', '-e', importer];
    const addresses = modules.map((file) => pathToFileURL(file).href);
    return tryAll(process.execPath, args, addresses, addresses.length, patience);
  });
  const pythons = new Map<string, Ask>();
  const pythonFor = (spec: WatcherSpec): Ask => {
    const python = pythonOf(spec, folder);
    const path = pythonPath(spec, baseEnvironment(spec), folder);
    const key = JSON.stringify([python, path]);
    const ask =
      pythons.get(key) ??
      together((functions) => {
        const check = functions.map((one) => JSON.parse(one) as unknown);
        return tryAll(python, ['-c', bridge], { path, check }, check.length, patience);
      });
    pythons.set(key, ask);
    return ask;
  };
  return async (_options, { spec }) => {
    const found = [...settingsOf(spec).hooks].map(async ([point, { target }]): Promise<readonly Flaw[]> => {
      const key = `hooks.${point}`;
      if (target.kind === 'module') return moduleFlaws(key, target, folder, javaScript);
      if (target.kind !== 'python') return [];
      const verdict = await pythonFor(spec)(JSON.stringify([target.module, target.name]));
      return pythonFlaws(key, `${target.module}.${target.name}`, pythonOf(spec, folder), verdict);
    });
    return [...flawsIn(spec, folder), ...(await Promise.all(found)).flat()];
  };
}

/** What is wrong with a function of a module; one that is in use here as it is now is not imported again. */
async function moduleFlaws(key: string, target: ModuleTarget, folder: string, ask: Ask): Promise<readonly Flaw[]> {
  const flaw = (why: string): readonly Flaw[] => [{ key, message: `names a function that can't be called: ${why}` }];
  const notLoaded = (why: string) => flaw(`"${target.path}" can't be loaded: ${why}`);
  try {
    const file = fileOf(target, folder);
    const names = namesHere(file);
    const verdict = names ? { said: { names } } : await ask(file);
    if ('why' in verdict && verdict.likely)
      return [{ key, message: `names "${target.path}", which was not looked at: ${verdict.why}`, likely: true }];
    if ('why' in verdict) return notLoaded(verdict.why);
    const said = verdict.said as { readonly names: readonly string[] } | { readonly error: string };
    if ('error' in said)
      return notLoaded(`${said.error}${said.error.startsWith('SyntaxError: ') ? await syntaxPlace(file) : ''}`);
    const lack = lackIn(said.names, target);
    return lack === undefined ? [] : flaw(lack);
  } catch (error) {
    return notLoaded(reasonOf(error).split('\n')[0]!);
  }
}

/** What is wrong with a function in Python. */
function pythonFlaws(key: string, name: string, python: string, verdict: Verdict): readonly Flaw[] {
  if ('why' in verdict && verdict.likely)
    return [{ key, message: `names "${name}", which was not looked at: ${verdict.why}`, likely: true }];
  const why = 'why' in verdict ? verdict.why : (verdict.said as string | null);
  if (why === null) return [];
  const other = 'hooks can be ./FILE.mjs#NAME or exec:COMMAND too';
  return [{ key, message: `names "${name}", which ${python} can't import: ${why}; ${other}` }];
}
