/** Reads a configuration file and the files that it includes into one table of sections. */
import { existsSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { withEnvironment, lookupIn, type Variables } from './expand.js';
import { readText } from './file.js';
import { readIni, type IniFile, type IniOption } from './ini.js';
import { readJson } from './json.js';
import { findPaths, hasWildcard } from './pattern.js';
import type { Place, Problem } from './problem.js';
import { mergeFiles, optionsOf, type Written } from './sections.js';
import { fromTree } from './structured.js';
import { readYaml } from './yaml.js';

/**
 * Reads the main file, then what its `[circus]` section includes; never throws, a file that cannot be read is a problem.
 * With `again` the main file can't be a pipe: what that held was read the first time.
 */
export function readFiles(path: string, environment: Variables, { again = false } = {}): Written {
  const main = readOne(path, { file: path, line: 1, column: 1 }, `the configuration file "${path}"`, { pipe: !again });
  if ('message' in main) return mergeFiles(path, [], [main]);
  const parts: IniFile[] = [main];
  const problems: Problem[] = [];
  const unread: string[] = [];
  const real = realPath(path);
  const seen = new Set([real]);
  for (const { option, pattern } of patternsIn(optionsOf(mergeFiles(path, [main]), 'circus'), path, environment)) {
    const report = (severity: Problem['severity'], message: string): void => {
      problems.push({ ...placeOf(option), severity, section: 'circus', key: option.key, message });
    };
    const found = findPaths(pattern);
    const relative = `paths are relative to the folder of ${path}`;
    if (found.length === 0 && hasWildcard(pattern)) report('warning', `"${pattern}" matches no file (${relative})`);
    else if (found.length === 0) report('error', `there is no file "${pattern}" (${relative})`);
    for (const file of found) {
      const target = realPath(file);
      if (target === real && !hasWildcard(pattern)) report('error', `"${pattern}" is the file that includes it`);
      if (seen.has(target)) continue;
      seen.add(target);
      const part = readOne(file, option, `the included file "${file}"`);
      if ('message' in part) {
        problems.push({ ...part, section: 'circus', key: option.key });
        unread.push(file);
      } else {
        parts.push(part);
        problems.push(...ignoredIncludes(part));
      }
    }
  }
  const override = readOverrides(path, optionsOf(mergeFiles(path, [main]), 'circus').get('overrides'), environment);
  if (override && 'message' in override) problems.push(override);
  if (!override || 'message' in override) return mergeFiles(path, parts, problems, unread);
  // The first definition wins, so it goes before the main file, which stays the first that is named.
  const merged = mergeFiles(path, [override, ...parts], problems, unread);
  return { ...merged, files: [...parts, override].map(({ file }) => file) };
}

/** Where `circusctl save` writes what was changed at run time; undefined when the configuration names no file for it. */
export function overridesPath(main: string, option: IniOption | undefined, environment: Variables): string | undefined {
  if (option === undefined || option.value === '') return undefined;
  const named = withEnvironment(option.value, lookupIn(environment));
  return isAbsolute(named) ? named : join(dirname(main), named);
}

/** The file of overrides; one that is not there was not written yet. */
function readOverrides(
  main: string,
  option: IniOption | undefined,
  environment: Variables,
): IniFile | Problem | undefined {
  const path = overridesPath(main, option, environment);
  return option === undefined || path === undefined || !existsSync(path)
    ? undefined
    : readOne(path, option, `the file of overrides "${path}"`);
}

/** A pipe such as `/dev/fd/63` has no real path and is itself. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function readOne(path: string, from: Place, what: string, kind: { readonly pipe?: boolean } = {}): IniFile | Problem {
  const text = readText(path, from, what, kind);
  return typeof text === 'string' ? readConfigurationText(text, path, { shown: from.file === path }) : text;
}

/** Reads the text of a file: JSON and YAML by the end of its name, INI otherwise. */
export function readConfigurationText(text: string, path: string, how: { readonly shown?: boolean } = {}): IniFile {
  if (/\.json$/i.test(path)) return fromTree(readJson(text, path), path);
  if (/\.ya?ml$/i.test(path)) return fromTree(readYaml(text, path), path);
  return readIni(text, path, how);
}

function* patternsIn(
  options: ReadonlyMap<string, IniOption>,
  main: string,
  environment: Variables,
): Generator<{ option: IniOption; pattern: string }> {
  const folder = dirname(main);
  for (const key of ['include', 'include_dir']) {
    const option = options.get(key);
    if (option === undefined) continue;
    for (const entry of withEnvironment(option.value, lookupIn(environment)).split(/\s+/)) {
      if (entry === '') continue;
      const path = isAbsolute(entry) || (folder === '.' && !main.startsWith('.')) ? entry : `${folder}/${entry}`;
      yield { option, pattern: key === 'include' ? path : `${path.replace(/\/+$/, '')}/*.ini` };
    }
  }
}

/** Circus follows the includes of the main file only. */
function ignoredIncludes(part: IniFile): Problem[] {
  const circus = part.sections.find((section) => section.name === 'circus');
  return (circus?.options ?? [])
    .filter(({ key }) => key === 'include' || key === 'include_dir')
    .map((option): Problem => {
      const message = `"${option.key}" in an included file is not followed: name the files in the main file`;
      return { ...placeOf(option), severity: 'warning', section: 'circus', key: option.key, message };
    });
}

function placeOf({ file, line, column }: Place): Place {
  return { file, line, column };
}
