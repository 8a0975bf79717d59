/** What a start would find missing on this machine: told to whoever checks a file, as a start itself has no time for it. */
import { accessSync, constants, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { baseEnvironment, findProgram, reasonOf, splitWords, type WatcherSpec } from '#core';
import type { Assembly } from './assemble.js';
import type { Configuration } from '../config/build.js';
import { byPlace, type Place, type Problem } from '../config/problem.js';

type Places = ReadonlyMap<string, Place>;

/** What is wrong with the files, and with what they name on this machine, by place. */
export function allProblems({ configuration, problems }: Assembly): readonly Problem[] {
  return [...problems, ...foresee(configuration)].sort(byPlace(configuration.files));
}

/** Programs and folders that are not there, as warnings: the file may be for another machine. Each place is told once. */
function foresee(configuration: Configuration): readonly Problem[] {
  const { watchers, unfit, sockets, circus, circusPlaces } = configuration;
  const problems = new Map<string, Problem>();
  const tell = (section: string, places: Places, key: string, message: string | undefined): void => {
    const place = places.get(key);
    if (place === undefined || message === undefined) return;
    const { file, line, column } = place;
    const problem = { severity: 'warning', file, line, column, section, key } as const;
    problems.set([file, line, column, message].join('\0'), { ...problem, message: `"${key}" ${message}` });
  };
  const unclear = new Set(
    configuration.problems.flatMap(({ severity, key = '', section }) =>
      severity === 'error' && decides.test(key) ? section : [],
    ),
  );
  for (const { spec, places, origin } of [...watchers, ...unfit]) {
    const key = isFolder(spec.working_dir) ? (spec.executable === null ? 'cmd' : 'executable') : 'working_dir';
    const missing = () => (spec.shell || unclear.has(origin.section) ? undefined : missingProgram(spec));
    tell(origin.section, places, key, key === 'working_dir' ? missingFolder(spec.working_dir) : missing());
  }
  for (const { spec, places, origin } of sockets)
    if (spec.path !== null) tell(origin.section, places, 'path', missingFolder(dirname(spec.path)));
  for (const key of ['logoutput', 'pidfile'] as const)
    if (circus[key]) tell('circus', circusPlaces, key, missingFolder(dirname(circus[key])));
  return [...problems.values()];
}

/** Options on which it depends what program is started: with an error in one of them, nobody knows. */
const decides = /^(?:cmd|executable|shell|working_dir|copy_env|virtualenv|env|secret)/;

/** True where something is filled in only when a process starts. */
const isOpen = (text: string): boolean => /(?:\$\(|\(\()circus\./i.test(text);

const isFolder = (path: string): boolean =>
  isOpen(path) || (statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false);

function missingFolder(path: string): string | undefined {
  return isFolder(path) ? undefined : `names the folder "${resolve(path)}", which is not there`;
}

/** Why a process could not be started, looked up as its start would do it; undefined when it could, or nobody knows. */
function missingProgram(spec: WatcherSpec): string | undefined {
  const program = spec.executable ?? splitWords(spec.cmd)[0];
  const path = baseEnvironment(spec)['PATH'];
  if (program === undefined || [program, path ?? '', spec.working_dir].some(isOpen)) return undefined;
  try {
    const file = findProgram(program, path, spec.working_dir);
    const found = statSync(file, { throwIfNoEntry: false });
    if (!found) return `names the program "${file}", which is not there`;
    if (!found.isFile()) return `names the program "${file}", which is no file`;
    return isExecutable(file) ? undefined : `names the program "${file}", which is not executable`;
  } catch (error) {
    return `can't be started: ${reasonOf(error)}`;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
