/** Looks at the hooks of watchers without the plugin: for whoever checks a file, or changes a watcher. */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { baseEnvironment, reasonOf, type WatcherSpec } from '#core';
import type { Flaw, Judge } from '../flaw.js';
import { bridge } from './bridge.js';
import { tryModule, type ModuleTarget } from './modules.js';
import { pythonPath } from './programs.js';
import type { Setting } from './setting.js';
import { flawsIn, pythonOf, settingsOf } from './settings.js';

/** How long Python may take to import the modules of one watcher, in ms. */
const patience = 10_000;

/** Judges the hooks of a watcher; modules are imported as they are now, and not put to use. */
export function judge(given: string): Judge {
  const folder = resolve(given);
  return async (_options, { spec }) => {
    const hooks = [...settingsOf(spec).hooks].map(([point, setting]) => ({ key: `hooks.${point}`, ...setting }));
    const modules = hooks.map(({ key, target }) => (target.kind === 'module' ? moduleFlaw(key, target, folder) : []));
    const found = await Promise.all([...modules, pythonFlaws(hooks, spec, folder)]);
    return [...flawsIn(spec, folder), ...found.flat()];
  };
}

async function moduleFlaw(key: string, target: ModuleTarget, folder: string): Promise<Flaw[]> {
  try {
    await tryModule(target, folder);
    return [];
  } catch (error) {
    return [{ key, message: `names a function that can't be called: ${reasonOf(error)}` }];
  }
}

/** Has Python import what the hooks name: one process for all of a watcher. */
async function pythonFlaws(
  hooks: readonly (Setting & { readonly key: string })[],
  spec: WatcherSpec,
  folder: string,
): Promise<readonly Flaw[]> {
  const functions = hooks.flatMap(({ key, target }) =>
    target.kind === 'python' ? [[key, target.module, target.name] as const] : [],
  );
  if (functions.length === 0) return [];
  const python = pythonOf(spec, folder);
  const path = pythonPath(spec, baseEnvironment(spec), folder);
  const { flaws, why } = await runPython(python, JSON.stringify({ path, check: functions }));
  return functions.flatMap(([key, module, name]) => {
    const flaw = flaws?.[key] ?? why;
    if (flaw === undefined) return [];
    const other = 'hooks can be ./FILE.mjs#NAME or exec:COMMAND too';
    return [{ key, message: `names "${module}.${name}", which ${python} can't import: ${flaw}; ${other}` }];
  });
}

/** What Python says, or why it says nothing. */
function runPython(
  python: string,
  input: string,
): Promise<{ readonly flaws?: Readonly<Record<string, string>>; readonly why?: string }> {
  return new Promise((done) => {
    const settings = { timeout: patience, killSignal: 'SIGKILL' } as const;
    const child = execFile(python, ['-c', bridge], settings, (error, stdout, stderr) => {
      if (error?.code === 'ENOENT') return done({ why: `there is no program "${python}"` });
      if (error?.killed) return done({ why: `it has not come to an end within ${patience / 1000} s` });
      try {
        done(JSON.parse(stdout) as { flaws: Record<string, string> });
      } catch {
        done({ why: stderr.trim().split('\n').at(-1) || reasonOf(error) });
      }
    });
    // A program that does not read its input is no failure of ours.
    child.stdin?.on('error', () => undefined).end(input);
  });
}
