/** The JavaScript modules of hooks. */
import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { abortable, systemClock } from '#core';
import { didYouMean } from '../nearest.js';
import { importFailure } from '../syntax.js';
import type { Target } from './setting.js';

/** A function for a hook. */
export type HookFunction = (given: Readonly<Record<string, unknown>>) => unknown;
/** A hook that is a function of a module. */
export type ModuleTarget = Extract<Target, { kind: 'module' }>;
type Exports = Readonly<Record<string, unknown>>;

/** So many bytes a module may have: all of it is read into the daemon. */
const largest = 16 * 2 ** 20;

/** The file of a module: a path, or a package, seen from the folder of the configuration. @throws Error */
export function fileOf({ path }: ModuleTarget, folder: string): string {
  if (!/^\.{0,2}\//.test(path) && !existsSync(resolve(folder, path)))
    return createRequire(join(resolve(folder), 'circus.ini')).resolve(path);
  const file = resolve(folder, path);
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) throw new Error(`there is no file ${file}`);
  if (!found.isFile()) throw new Error(`${file} is no regular file`);
  if (found.size > largest) throw new Error(`${file} has more than ${largest / 2 ** 20} MiB`);
  return file;
}

const versionOf = (file: string): string => {
  const { mtimeMs, size, ino } = statSync(file);
  return `${mtimeMs}-${size}-${ino}`;
};

/** The version of each file that was imported first: that one is the module itself, which others may have imported too. */
const firsts = new Map<string, string>();

/** The names of the functions of each version of a file that was imported. */
const imported = new Map<string, readonly string[]>();

/** The names of a module's functions, where it was imported here as it is now. */
export const namesHere = (file: string): readonly string[] | undefined => imported.get(`${file}?${versionOf(file)}`);

const functionsOf = (module: Exports) => Object.keys(module).filter((one) => typeof module[one] === 'function');

/** How long a module may take to be imported, in ms: one that awaits something may never be through. */
const patience = 10_000;

/** Imports a file as it is now. */
async function importNow(file: string): Promise<Exports> {
  const version = versionOf(file);
  if (!firsts.has(file)) firsts.set(file, version);
  const { href } = pathToFileURL(file);
  const over = new AbortController();
  const cancel = systemClock.after(patience, () =>
    over.abort(new Error(`it is not through within ${patience / 1000} s`)),
  );
  const importing = import(firsts.get(file) === version ? href : `${href}?${version}`) as Promise<Exports>;
  const module = await abortable(importing, over.signal).finally(cancel);
  imported.set(`${file}?${version}`, functionsOf(module));
  return module;
}

/** Why a module with these functions has not the one that is meant; undefined when it has. */
export function lackIn(names: readonly string[], { path, name }: ModuleTarget): string | undefined {
  if (names.includes(name)) return undefined;
  if (name === 'default') return `"${path}" has no default function: write "${path}#${names[0] ?? 'NAME'}"`;
  const all = names.length > 0 ? `its functions are ${names.join(', ')}` : 'it exports no function';
  return `"${path}" exports no function "${name}"${didYouMean(name, names) || `: ${all}`}`;
}

/** @throws Error */
function functionIn(module: Exports, target: ModuleTarget): HookFunction {
  const lack = lackIn(functionsOf(module), target);
  if (lack !== undefined) throw new Error(lack);
  return module[target.name] as HookFunction;
}

async function importFrom(target: ModuleTarget, folder: string): Promise<Exports> {
  let file = target.path;
  try {
    file = fileOf(target, folder);
    return await importNow(file);
  } catch (error) {
    throw new Error(`"${target.path}" can't be loaded: ${await importFailure(error, file)}`, { cause: error });
  }
}

/** The modules in use: each is loaded once, and once more when `refresh` finds that its file has changed. */
export class Modules {
  readonly #folder: string;
  readonly #loaded = new Map<string, { readonly version: string; readonly module: Exports }>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The function that a hook names. @throws Error */
  async take(target: ModuleTarget): Promise<HookFunction> {
    const file = fileOf(target, this.#folder);
    let loaded = this.#loaded.get(file);
    if (!loaded) {
      loaded = { version: versionOf(file), module: await importFrom(target, this.#folder) };
      this.#loaded.set(file, loaded);
    }
    return functionIn(loaded.module, target);
  }

  /** Loads again what has changed; what can't be loaded stays as it was, and `tell` hears why. */
  async refresh(tell: (message: string) => void): Promise<void> {
    for (const [file, { version }] of this.#loaded) {
      try {
        if (versionOf(file) === version) continue;
        this.#loaded.set(file, { version: versionOf(file), module: await importNow(file) });
      } catch (error) {
        tell(`${file} stays as it was, as it can't be loaded: ${await importFailure(error, file)}`);
      }
    }
  }
}
