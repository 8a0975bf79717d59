/** Imports the configurations of other supervisors: the door that circusctl comes through. */
import { basename, extname, resolve } from 'node:path';
import { formatProblem, type Problem } from '../config/problem.js';
import type { Tree } from '../config/tree.js';
import { importCompose } from './compose.js';
import { readData } from './data.js';
import { Draft, type Unmapped } from './draft.js';
import { diskFiles, type Files } from './files.js';
import { importPm2 } from './pm2.js';
import { evaluate } from './pm2-evaluate.js';
import { importProcfile } from './procfile.js';
import { importServiceDirectories } from './service-directory.js';
import { importSupervisord } from './supervisord.js';
import { importSystemd } from './systemd.js';
import { writeIni } from './write.js';

/** What can be imported. */
export const sourceKinds = ['supervisord', 'procfile', 'pm2', 'systemd', 'compose', 'service-directory'] as const;
export type SourceKind = (typeof sourceKinds)[number];

/** What became of a source: INI text that circusd reads without an error, and what is not in it. */
export interface Imported {
  readonly ini: string;
  /** What the configuration does not say as its source did. */
  readonly unmapped: readonly Unmapped[];
  /** What could not be read at all. */
  readonly problems: readonly Problem[];
}

export interface ImportOptions {
  /** One of the environments of a PM2 file, as `--env` names it. */
  readonly environment?: string;
  /** What each JavaScript file was found to export, by its path. */
  readonly exported?: ReadonlyMap<string, Tree | Problem>;
}

/** Imports files as a pure function of what `files` holds; several paths make one configuration. Never throws. */
export function importFiles(
  kind: SourceKind,
  paths: readonly string[],
  files: Files,
  options: ImportOptions = {},
): Imported {
  const draft = new Draft(paths[0] ?? '');
  if (kind === 'systemd') importSystemd(draft, paths, files);
  else if (kind === 'service-directory') importServiceDirectories(draft, paths, files);
  else for (const path of paths) importFile(draft, kind, path, files, options);
  const ini = writeIni(draft, paths.join(', '));
  return { ini, unmapped: draft.unmapped, problems: draft.problems };
}

function importFile(draft: Draft, kind: SourceKind, path: string, files: Files, options: ImportOptions): void {
  if (kind === 'supervisord') importSupervisord(draft, path, files);
  else if (kind === 'procfile') importProcfile(draft, path, files);
  else {
    const tree = treeOf(draft, path, files, options);
    if (tree === undefined) return;
    if (kind === 'pm2') importPm2(draft, path, tree, options.environment);
    else importCompose(draft, path, tree, files);
  }
}

function treeOf(draft: Draft, path: string, files: Files, { exported }: ImportOptions): Tree | undefined {
  const known = exported?.get(path);
  if (known && 'kind' in known) return known;
  const text = known ?? files.read(path);
  if (typeof text !== 'string') draft.tell(text);
  else if (isScript(path)) draft.fail({ source: path }, 'a JavaScript file has to be run to know what is in it');
  else {
    const { tree, problems } = readData(text, path);
    problems.forEach((problem) => draft.tell(problem));
    return tree;
  }
  return undefined;
}

const isScript = (path: string): boolean => /^\.[cm]?js$/.test(extname(path));

/** The kind of a source by its name; undefined when that does not tell. */
export function kindOf(path: string, files: Files = diskFiles): SourceKind | undefined {
  const name = basename(path);
  if (/^Procfile(\.|$)/.test(name)) return 'procfile';
  if (/\.(service|socket)$/.test(name)) return 'systemd';
  if (/(ecosystem|pm2|process).*\.ya?ml$/i.test(name) || /\.([cm]?js|json)$/.test(name)) return 'pm2';
  if (/\.ya?ml$/i.test(name)) return 'compose';
  if (/\.(conf|ini)$/.test(name)) return 'supervisord';
  return files.list(path).length > 0 ? 'service-directory' : undefined;
}

export interface ImportPathsOptions {
  /** Taken from the name of the first path when it is not given. */
  readonly kind?: SourceKind;
  readonly environment?: string;
  /** What a JavaScript file sees as `process.env`; the variables of this process by default. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
}

/** Imports files and folders from the disk, for `circusctl import PATH...`: never throws, what cannot be read is in `problems`. */
export async function importPaths(paths: readonly string[], options: ImportPathsOptions = {}): Promise<Imported> {
  const all = paths.map((path) => resolve(path));
  const kind = options.kind ?? kindOf(all[0] ?? '');
  if (kind === undefined) {
    const message = `what this is cannot be told by its name: say one of ${sourceKinds.join(', ')}`;
    const problem: Problem = { severity: 'error', file: paths[0] ?? '', line: 1, column: 1, message };
    return { ini: '', unmapped: [], problems: [problem] };
  }
  const exported = new Map<string, Tree | Problem>();
  const asked: Unmapped[] = [];
  for (const path of kind === 'pm2' ? all.filter(isScript) : []) {
    if (typeof diskFiles.read(path) !== 'string') continue;
    // One after the other: there is hardly ever more than one.
    const result = await evaluate(path, options.variables ?? process.env);
    exported.set(path, 'tree' in result ? result.tree : result);
    if (!('tree' in result) || result.variables.length === 0) continue;
    const what = `process.env.${result.variables.join(', process.env.')}`;
    const why = 'the file was run once, with the variables of now, and what came of them is fixed';
    asked.push({ source: path, what, why, hint: '$(circus.env.NAME) stands for a variable of circusd' });
  }
  const { environment } = options;
  const imported = importFiles(kind, all, diskFiles, {
    exported,
    ...(environment === undefined ? {} : { environment }),
  });
  return { ...imported, unmapped: [...imported.unmapped, ...asked] };
}

/** The report as lines for a person: problems first, as compilers write them. */
export function reportLines({ unmapped, problems }: Pick<Imported, 'unmapped' | 'problems'>): string[] {
  return [
    ...problems.map((problem) => `${problem.severity}: ${formatProblem(problem)}`),
    ...unmapped.map(({ source, line, what, why, hint }) => {
      const place = line === undefined ? source : `${source}:${line}`;
      return `not mapped: ${place}: ${what}: ${why}${hint === undefined ? '' : ` (${hint})`}`;
    }),
  ];
}
