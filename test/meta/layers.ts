/** The rules of the house about who may import and name what, as data and as a function of a file and its text. */
import { posix } from 'node:path';
import { importsOf, tokensOf, type Import } from './source.js';

/**
 * Which files of the kernel use which system calls. The rule began with process, pipe, socket and handover; `program`
 * and `stop` were once parts of `process`, `arbiter` makes the daemon a subreaper and seals its descriptors, `readiness` names
 * signals, `tree` reads /proc, and `index` is the door through which plugins get three of them.
 */
export const posixUsers: Readonly<Record<string, readonly string[]>> = {
  'core/arbiter.ts': ['descriptor', 'process', 'reap'],
  'core/index.ts': ['descriptor', 'datagram', 'memory', 'process', 'reap', 'spawn'],
  'core/pipe.ts': ['descriptor'],
  'core/process.ts': ['descriptor', 'process', 'reap', 'wait'],
  'core/program.ts': ['descriptor', 'spawn'],
  'core/readiness.ts': ['spawn'],
  'core/socket.ts': ['descriptor', 'socket', 'wait'],
  'core/stop.ts': ['process', 'reap'],
  'core/tree.ts': ['process', 'reap'],
};

/** Packages that belong to one place. */
const owned: Readonly<Record<string, RegExp>> = { tapable: /^core\/hooks\.ts$/, koffi: /^core\/posix\// };

/** Files beside the plugins' folders that every plugin may import. */
const shared = [
  'plugins/schema.ts',
  'plugins/flaw.ts',
  'plugins/truth.ts',
  'plugins/manifest.ts',
  'plugins/glob.ts',
  'plugins/units.ts',
  'plugins/nearest.ts',
  'plugins/cpus.ts',
  'plugins/syntax.ts',
  'plugins/signal.ts',
  'plugins/stop-steps.ts',
  'plugins/accounts.ts',
  'plugins/net-table.ts',
  'plugins/must-be.ts',
  'plugins/variables.ts',
  'plugins/plain.ts',
  'plugins/program.ts',
];

/** What the kernel knows nothing of, as parts of identifiers and as words of texts. */
const foreign = /^(ini|zmq|zeromq|https?|statistics?|stats|statsd|flapping|logfiles?|redis|prometheus|dashboard)$/;
/** Where such a word means something else: an IPv6 address is spelled out by Node's URL parser. */
const excused: Readonly<Record<string, string>> = { 'core/posix/socket.ts': 'http' };
/** Plugins whose names are also words of the kernel. */
const kernelWords = new Set(['hooks', 'limits']);

/** What the client may load of plugins: these two load nothing but parts of Node. */
const forClient = [
  '#plugins/controller/endpoint.js',
  '#plugins/controller/keys.js',
  '#plugins/controller/socket-file.js',
];

/** The file of the repository that a relative import means. */
function target(file: string, from: string): string {
  return posix.join(posix.dirname(file), from).replace(/\.js$/, '.ts');
}

/** Why this file may not import that; undefined when it may. */
function objection(file: string, { from, onlyTypes, late }: Import): string | undefined {
  const [layer, folder] = file.split('/') as [string, string];
  if (from.startsWith('node:')) return undefined;
  const owner = owned[from.split('/')[0]!];
  if (owner) return owner.test(file) ? undefined : `only ${owner.source} imports it`;
  const relative = from.startsWith('.');
  const path = target(file, from);

  if (layer === 'core') {
    if (!relative) return 'the kernel imports node, tapable and koffi';
    if (!path.startsWith('core/')) return 'imports point down';
    if (file.startsWith('core/posix/')) {
      const down = path.startsWith('core/posix/') || path === 'core/errors.ts';
      return down || onlyTypes ? undefined : 'system calls know nothing of the kernel but its errors';
    }
    const call = /^core\/posix\/(.*)\.ts$/.exec(path)?.[1];
    const allowed = call === undefined || posixUsers[file]?.includes(call);
    return allowed ? undefined : 'it is not among the users of system calls';
  }
  if (layer === 'plugins') {
    if (from === '#core') return undefined;
    if (from.startsWith('#')) return 'of the kernel a plugin imports #core, of other plugins their service.js';
    if (!relative) return undefined;
    // The list of all plugins loads them on demand; nobody else knows them all.
    if (file === 'plugins/manifest.ts' && late && /^plugins\/[^/]+\/(index|judge)\.ts$/.test(path)) return undefined;
    const service = /^plugins\/[^/]+\/service\.ts$/.test(path) && file.split('/').length > 2;
    const own = file.split('/').length > 2 && path.startsWith(`plugins/${folder}/`);
    return own || service || shared.includes(path) ? undefined : 'a plugin imports #core, its own folder, and services';
  }
  if (file.startsWith('cli/client/') && !onlyTypes) {
    const own = relative && path.startsWith('cli/client/');
    return own || forClient.includes(from) ? undefined : 'the client is light: of others it imports types';
  }
  if (from === '#core' || from.startsWith('#plugins/')) return undefined;
  if (from.startsWith('#')) return 'there is no such door';
  return !relative || path.startsWith('cli/') ? undefined : 'other layers are reached through #core and #plugins';
}

/** The imports of a file that the rules forbid, each as one line. */
export function forbiddenImports(file: string, source: string): string[] {
  return importsOf(source).flatMap((found) => {
    const why = objection(file, found);
    return why === undefined ? [] : [`${file}:${found.line} imports ${found.from}: ${why}`];
  });
}

/** The parts of an identifier or text: `readIniFile` and `read-ini file` are read, ini and file. */
const parts = (text: string) =>
  text
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);

/** What a file of the kernel names and should not, given the plugins' names; each as one line. */
export function foreignNames(file: string, source: string, plugins: readonly string[]): string[] {
  const names = plugins.filter((name) => !kernelWords.has(name));
  return tokensOf(source).flatMap(({ kind, text, line }) => {
    const word = parts(text).find((part) => foreign.test(part) && excused[file] !== part);
    if (word !== undefined) return [`${file}:${line} names "${word}"`];
    if (kind === 'word' || kind === 'punctuation') return [];
    const plugin = names.find((name) => new RegExp(`(^|[^\\w-])${name}([^\\w-]|$)`).test(text));
    return plugin === undefined ? [] : [`${file}:${line} names plugin "${plugin}"`];
  });
}

/** What is wrong with a file's name or its kind of export; each as one line. */
export function misnamed(file: string, source: string): string[] {
  const name = posix.basename(file);
  const faults: string[] = [];
  if (/^(utils?|helpers?|common|misc)\b/.test(name)) faults.push('says nothing about what is in it');
  if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d)?\.ts$/.test(name)) faults.push('is no kebab-case noun');
  if (name === 'index.ts' && !/^(core|plugins\/[^/]+|cli\/client)\/index\.ts$/.test(file))
    faults.push('is no door of a folder');
  const tokens = tokensOf(source);
  const isDefault = tokens.some(
    ({ kind, text }, at) => kind === 'word' && text === 'default' && /^(export|as)$/.test(tokens[at - 1]?.text ?? ''),
  );
  const mayDefault = /^plugins\/[^/]+\/index\.ts$/.test(file) || file.endsWith('.d.ts');
  if (isDefault && !mayDefault) faults.push('has a default export and is no plugin');
  return faults.map((fault) => `${file} ${fault}`);
}

/** The first circle of run-time imports among these files, as a path; undefined when there is none. */
export function importCircle(sources: ReadonlyMap<string, string>): string | undefined {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file].join(' > ');
    const source = sources.get(file);
    if (source === undefined || done.has(file)) return undefined;
    const next = importsOf(source).filter(({ from, onlyTypes }) => from.startsWith('.') && !onlyTypes);
    for (const { from } of next) {
      const circle = visit(target(file, from), [...path, file]);
      if (circle !== undefined) return circle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of sources.keys()) {
    const circle = visit(file, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}
