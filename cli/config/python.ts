/** What Python processes find in their environment: the module path, and a virtual environment. */
import { readdirSync, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import type { Environment } from '#core';
import { readBytes } from './file.js';
import { byCodePoint, strip } from './text.js';

/** What a watcher says about Python. */
export interface PythonOptions {
  readonly copyPath: boolean;
  /** The folder of a virtual environment; empty: none. */
  readonly virtualenv: string;
  /** The version of its Python, such as 3.12; empty: whichever it has. */
  readonly version: string;
}

/** The environment, or the option that stands in the way with the sentence that says why. */
export type PythonEnvironment =
  { readonly env: Environment } | { readonly key: keyof typeof keys; readonly wrong: string };

/** Where modules of a Python installation lie: its site-packages, and the folders that `.pth` files there add. */
interface Site {
  readonly folder: string;
  readonly added: readonly string[];
}

const keys = { virtualenv: true, virtualenv_py_ver: true };

/**
 * Puts a virtual environment in front of PATH and onto PYTHONPATH. With `copyPath`, PYTHONPATH has the modules that a
 * Python started by the daemon itself would find: those of the virtual environment that the daemon stands in.
 */
export function withPython(env: Environment, own: ReadonlySet<string>, options: PythonOptions): PythonEnvironment {
  const around = env.VIRTUAL_ENV;
  let made: Environment = env;
  if (options.copyPath && around && !own.has('PYTHONPATH')) {
    const sites = sitesIn(around, '');
    made = { ...made, PYTHONPATH: joined(env.PYTHONPATH, ...sites.flatMap(({ folder, added }) => [...added, folder])) };
  }
  if (options.virtualenv === '') return { env: Object.freeze(made) };

  const folder = resolve(options.virtualenv);
  const { version } = options;
  const sites = sitesIn(folder, version);
  const [site, other] = sites;
  if (site === undefined) {
    if (!isFolder(folder)) return { key: 'virtualenv', wrong: `"virtualenv" is "${folder}", which is no folder` };
    const python = version === '' ? 'python*' : `python${version}`;
    const wrong = `"${folder}" is no virtual environment: it has no lib/${python}/site-packages`;
    return { key: version === '' ? 'virtualenv' : 'virtualenv_py_ver', wrong };
  }
  if (other !== undefined) {
    const wrong = `"${folder}" holds more than one Python: say which it is with "virtualenv_py_ver"`;
    return { key: 'virtualenv', wrong };
  }
  const programs = join(folder, 'bin');
  const path = isFolder(programs) ? { PATH: joined(programs, made.PATH) } : {};
  const modules = joined(...site.added, made.PYTHONPATH, site.folder);
  return { env: Object.freeze({ ...made, ...path, PYTHONPATH: modules, VIRTUAL_ENV: folder }) };
}

function sitesIn(folder: string, version: string): readonly Site[] {
  const libraries = join(folder, 'lib');
  return namesIn(libraries)
    .filter((name) =>
      version === '' ? /^(?:python|pypy)\d/.test(name) : /^(?:python|pypy)/.exec(name)?.[0] + version === name,
    )
    .map((name) => join(libraries, name, 'site-packages'))
    .filter(isFolder)
    .map((site) => ({
      folder: site,
      added: namesIn(site)
        .filter((name) => name.endsWith('.pth'))
        .flatMap((name) => foldersIn(site, name)),
    }));
}

/** The existing folders that a `.pth` file lists, as Python reads it. */
function foldersIn(site: string, name: string): readonly string[] {
  let text: string;
  try {
    text = readBytes(join(site, name)).toString('utf8');
  } catch {
    return [];
  }
  return text
    .split(/\r?\n/)
    .map(strip)
    .filter((line) => line !== '' && !/^(?:#|import[ \t])/.test(line))
    .map((line) => resolve(site, line))
    .filter(isFolder);
}

function joined(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join(delimiter);
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort(byCodePoint);
  } catch {
    return [];
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
