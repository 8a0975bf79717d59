/** Runs a JavaScript ecosystem file in a process of its own, which may read its project and do nothing else. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { linesOf } from './files.js';
import { readJson } from '../config/json.js';
import type { Problem } from '../config/problem.js';
import type { Tree } from '../config/tree.js';
import { itemsIn, textIn, valueIn } from './data.js';

const timeLimit = 10_000;
const mark = '\x1ecircusd:';

/** What a JavaScript file exports, and the variables that it looked at. */
export interface Evaluated {
  readonly tree: Tree;
  readonly variables: readonly string[];
}

// The file sees an environment that writes down which of its variables were asked for.
const program = `
const { pathToFileURL } = await import('node:url');
const asked = new Set();
for (const name of ['module', 'exports', 'require']) delete globalThis[name];
console.log = console.info = console.debug = console.error;
process.env = new Proxy({ ...process.env }, {
  get: (all, name) => {
    // Node itself looks at variables too.
    if (typeof name === 'string' && !new Error().stack.split('\\n')[2]?.includes('node:')) asked.add(name);
    return all[name];
  },
});
const file = await import(pathToFileURL(process.argv[1]));
const data = file.default ?? file;
process.stdout.write('\\n' + ${JSON.stringify(mark)} + JSON.stringify({ data, asked: [...asked] }) + '\\n');
`;

/** The switch of Node's permission model, as this version of Node calls it; undefined: it has none. */
export function permissionSwitch(known: ReadonlySet<string> = process.allowedNodeEnvironmentFlags): string | undefined {
  return ['--permission', '--experimental-permission'].find((name) => known.has(name));
}

/** Evaluates the file; never throws, and ends after 10 seconds. */
export async function evaluate(
  path: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Evaluated | Problem> {
  const refuse = (message: string, line = 1): Problem => ({ severity: 'error', file: path, line, column: 1, message });
  const permission = permissionSwitch();
  if (permission === undefined)
    return refuse('this version of Node cannot keep the file from doing harm: print it as JSON, and import that');
  const file = realpathSync(path);
  const allowed = foldersOf(file).map((folder) => `--allow-fs-read=${folder}/`);
  const args = [permission, '--no-warnings', ...allowed, '--input-type=module', '-e', program, file];
  const { NODE_OPTIONS: _, ...env } = environment;
  const { stdout, stderr, code } = await run(args, env, dirname(file));
  const line = stdout.split('\n').findLast((one) => one.startsWith(mark));
  if (code !== 0 || line === undefined) return refuse(reasonIn(stderr, code), lineIn(stderr, file));
  const { data, asked } = JSON.parse(line.slice(mark.length)) as { data?: unknown; asked: readonly string[] };
  const { tree, problems } = readJson(JSON.stringify(data ?? null), path);
  if (tree === undefined) return problems[0]!;
  return { tree: locate(tree, linesOf(readFileSync(file, 'utf8'))), variables: asked };
}

/** Gives each app and setting the line where it seems to be written: where the name of its app is, and its own after that. */
function locate(tree: Tree, lines: readonly string[]): Tree {
  const find = (key: string, from: number, text = ''): number => {
    const word = new RegExp(`(^|[^\\w$])${key.replace(/\W/g, '\\$&')}\\b['"]?\\s*[:(,]`);
    const at = lines.findIndex((line, index) => index >= from - 1 && word.test(line) && line.includes(text));
    return at < 0 ? from : at + 1;
  };
  const inside = valueIn(tree, 'apps');
  const apps = itemsIn(inside ?? tree).map((app): Tree => {
    if (app.kind !== 'mapping') return app;
    const name = textIn(valueIn(app, 'name'));
    const line = name === '' ? find('script', 1, textIn(valueIn(app, 'script'))) : find('name', 1, name);
    const entries = app.entries.map((entry) => ({ ...entry, line: find(entry.key, line) }));
    return { ...app, line, entries };
  });
  const list: Tree = { line: 1, column: 1, kind: 'list', items: apps };
  if (inside === undefined || tree.kind !== 'mapping') return list;
  const placed = tree.entries.map((entry) => ({ ...entry, line: find(entry.key, 1) }));
  return { ...tree, entries: placed.map((entry) => (entry.key === 'apps' ? { ...entry, value: list } : entry)) };
}

/** The project that the file belongs to, and the packages that it can require. */
function foldersOf(file: string): string[] {
  const above: string[] = [];
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) above.push(folder);
  const project = above.find((folder) => existsSync(join(folder, 'package.json'))) ?? dirname(file);
  return [project, ...above.map((folder) => join(folder, 'node_modules')).filter((folder) => existsSync(folder))];
}

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

function run(args: readonly string[], env: Readonly<Record<string, string | undefined>>, cwd: string): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      env,
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeLimit,
      killSignal: 'SIGKILL',
    });
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        if (texts[name].length < 16 * 1024 * 1024) texts[name] += text;
      });
    child.on('error', (error) => resolve({ stdout: '', stderr: error.message, code: 1 }));
    child.on('close', (code) => resolve({ ...texts, code }));
  });
}

function reasonIn(stderr: string, code: number | null): string {
  if (code === null) return `the file did not come to an end within ${timeLimit / 1000} seconds`;
  if (stderr.includes('ERR_ACCESS_DENIED'))
    return 'the file does more than describe apps: it may read its project, but not write, run programs or read elsewhere; print it as JSON, and import that';
  const reason = /^\s*(?:\w*Error(?: \[\w+\])?: .*)$/m.exec(stderr)?.[0].trim();
  return `the file cannot be run: ${reason ?? 'it ended without a result'}`;
}

/** The line of the file that the stack of an error names first. */
function lineIn(stderr: string, file: string): number {
  const at = stderr.indexOf(`${file}:`);
  return at < 0 ? 1 : Number(/^\d+/.exec(stderr.slice(at + file.length + 1))?.[0] ?? 1);
}
