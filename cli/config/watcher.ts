/** From a `[watcher:NAME]` section to the spec that the kernel keeps processes of. */
import { expand, splitWords, watcherSpec, type Environment, type WatcherSpec } from '#core';
import { envFilePaths, readEnvFiles } from './env-file.js';
import type { Environments, OwnVariables, WatcherEnvironment } from './environment.js';
import type { IniOption } from './ini.js';
import type { Variable } from './layer.js';
import { fillIn, nameIn, reporterFor, takeOptions, type Building, type Taken } from './options.js';
import { didYouMean } from './problem.js';
import { withPython } from './python.js';
import { schema } from './schema.js';
import { readSecret, secretPath } from './secret.js';
import { optionsOf, type WrittenSection } from './sections.js';

/** A watcher with the places that its options and its variables come from. */
export interface BuiltWatcher {
  readonly spec: WatcherSpec;
  readonly places: ReadonlyMap<string, IniOption>;
  readonly variables: WatcherEnvironment['variables'];
}

/** What is known to all watchers. */
export interface WatcherContext {
  readonly environments: Environments;
  /** The names of the sockets, and of those that an error leaves out. */
  readonly sockets: ReadonlySet<string>;
  readonly lostSockets: ReadonlySet<string>;
  /** `[circus]` says `expand = shell`. */
  readonly shell: boolean;
}

/** The keys that are fields of the spec; all others end up in `spec.options`. */
const empty = watcherSpec({ name: '', cmd: '' });
const fields = new Set(schema.watcher.map((option) => option.key).filter((key) => key in empty));
for (const key of ['name', 'env']) fields.delete(key);
/** Fields of which an empty text means that they are not set. */
const optional = new Set(['working_dir', 'executable']);
/** Keys that are done with once the spec is made. */
const spent = new Set(['name', 'env', 'expand']);

/** Builds the spec of a watcher; what is wrong with it is reported, and makes it unfit for use when it is an error. */
export function buildWatcher(building: Building, section: WrittenSection, around: WatcherContext): BuiltWatcher {
  const { value: override } = building.written.sections.get(section.name)?.options.get('name') ?? { value: '' };
  const name = override || nameIn(section);
  const places = optionsOf(building.written, section.name);
  const report = reporterFor(building, section, places);
  const shell = isShell(places.get('expand')?.value, around.shell);
  const shared = around.environments.shared(shell);
  const fill = (option: IniOption): string => fillIn(option.key, option.value, shared, shell, report) ?? '';
  const own = ownVariables(building, section, places, { shell, fill });
  const environment = around.environments.of(name, own);
  for (const failure of environment.failures) building.problems.push({ ...failure, section: section.name });

  const fillings = { typed: shared, text: environment.lookup, shell };
  const taken = takeOptions(building, 'watcher', section, fillings);
  const spec = watcherSpec({
    args: '',
    ...fieldsOf(taken),
    name,
    cmd: taken.texts.get('cmd') ?? '',
    env: environmentFor(taken, environment),
    secrets: [...own.secrets.keys()],
    options: otherOptions(taken, section),
  });
  check(spec, taken, around);
  return { spec, places, variables: environment.variables };
}

/** True when the text of an `expand` says shell, or says nothing where all around does. */
export function isShell(text: string | undefined, around: boolean): boolean {
  return text === undefined ? around : text.trim().toLowerCase() === 'shell';
}

function ownVariables(
  building: Building,
  section: WrittenSection,
  options: ReadonlyMap<string, IniOption>,
  { shell, fill }: { readonly shell: boolean; readonly fill: (option: IniOption) => string },
): OwnVariables {
  const variables: Variable[] = [];
  const secrets = new Map<string, string>();
  const add = (problem: Building['problems'][number]): void =>
    void building.problems.push({ ...problem, section: section.name });
  for (const [key, option] of options) {
    if (key.startsWith('env.') && key.length > 4) variables.push({ ...option, key: key.slice(4), kind: 'own' });
    if (!key.startsWith('secret.') || key.length === 7) continue;
    const secret = readSecret(option, secretPath(option, fill(option)));
    if (secret.problem) add(secret.problem);
    if ('text' in secret) secrets.set(key.slice(7), secret.text);
  }
  const envFile = options.get('env_file');
  const files = envFile ? readEnvFiles(envFile, fill(envFile), building.envFiles) : { variables: [], problems: [] };
  files.problems.forEach(add);
  return { section: section.name, shell, files: files.variables, variables, secrets };
}

function fieldsOf({ values }: Taken): Partial<WatcherSpec> {
  const given: Record<string, unknown> = {};
  for (const key in values) {
    if (fields.has(key) && (values[key] !== '' || !optional.has(key))) given[key] = values[key];
  }
  if (Array.isArray(values.sockets) && values.sockets.length > 0) given.use_sockets ??= true;
  return given;
}

/** What is no field of the spec; paths are absolute, so that they mean the same wherever they are read again. */
function otherOptions({ texts, written }: Taken, section: WrittenSection): Readonly<Record<string, string>> {
  const others: Record<string, string> = {};
  const add = (key: string, text: string): void =>
    // A key may be called __proto__, which an assignment does not define.
    void (key === '__proto__'
      ? Object.defineProperty(others, key, { value: text, enumerable: true })
      : (others[key] = text));
  for (const [key, text] of texts) {
    if (fields.has(key) || spent.has(key)) continue;
    const option = written.get(key)!;
    if (key.startsWith('secret.')) add(key, secretPath(option, text));
    else if (key === 'env_file') {
      const paths = envFilePaths(option, text).map(({ path, optional }) => `${optional ? '-' : ''}${path}`);
      add(key, paths.join(' '));
    } else add(key, text);
  }
  others.__name__ = section.name;
  return others;
}

function environmentFor({ values, texts, report }: Taken, environment: WatcherEnvironment): Environment {
  const virtualenv = texts.get('virtualenv') ?? '';
  const copyPath = values.copy_path === true;
  if (values.copy_env !== true) {
    const key = virtualenv === '' ? 'copy_path' : 'virtualenv';
    if (copyPath || virtualenv !== '') report('error', key, `"${key}" needs "copy_env = True", and that is not there`);
    return environment.env;
  }
  const copied = environment.copied();
  if (!copyPath && virtualenv === '') return copied;
  const options = { copyPath, virtualenv, version: (texts.get('virtualenv_py_ver') ?? '').trim() };
  const made = withPython(copied, new Set(Object.keys(environment.env)), options);
  if ('env' in made) return made.env;
  report('error', made.key, made.wrong);
  return copied;
}

function check(spec: WatcherSpec, { report, texts, written }: Taken, { sockets, lostSockets }: WatcherContext): void {
  if (spec.name === '') report('error', undefined, 'the section header has no name after "watcher:"');
  const unfilled = written.has('cmd') && !texts.has('cmd');
  if (spec.cmd.trim() === '' && !unfilled)
    report('error', 'cmd', `watcher "${spec.name}" has no "cmd", so there is nothing to run`);
  for (const key of ['cmd', 'args', 'shell_args'] as const)
    if (isUnbalanced(spec[key])) report('error', key, `the quotes in "${key}" are not balanced`);
  if (spec.singleton && spec.numprocesses > 1) {
    report('error', 'numprocesses', `"numprocesses" is ${spec.numprocesses}, but a singleton has at most one process`);
  }
  if (spec.shell_args !== null && !spec.shell) {
    report('warning', 'shell_args', '"shell_args" has no effect without "shell = true"');
  }
  const unused = ['stop_signal', 'graceful_timeout'].filter((key) => spec.stop_steps.length > 0 && written.has(key));
  for (const key of unused) report('warning', key, `"${key}" has no effect beside "stop_steps"`);
  const known = (key: string, name: string): void => {
    if (sockets.has(name)) return;
    const why = lostSockets.has(name)
      ? 'which is left out because of an error in it'
      : `but there is no [socket:${name}]${didYouMean(name, sockets)}`;
    report('error', key, `"${key}" names socket "${name}", ${why}`);
  };
  for (const [key, name] of namedSockets(spec)) known(key, name);
}

/** True for a text that can't be taken apart into words, whatever the variables of a process are. */
function isUnbalanced(text: string | readonly string[] | null): boolean {
  if (typeof text !== 'string' || /circus\.env\./i.test(text)) return false;
  try {
    splitWords(text);
    return false;
  } catch {
    return true;
  }
}

/** The sockets that a watcher names, each after the key that names it; those that it has as all have them are not there. */
export function namedSockets(spec: WatcherSpec): readonly (readonly [key: string, name: string])[] {
  const own = spec.sockets.map((name) => ['sockets', name.toLowerCase()] as const);
  const input = spec.stdin_socket ? [['stdin_socket', spec.stdin_socket.toLowerCase()] as const] : [];
  const filledIn = (['cmd', 'args', 'shell_args'] as const).flatMap((key) =>
    [spec[key] ?? []].flat().flatMap((text) => [...socketsIn(text)].map((name) => [key, name] as const)),
  );
  return [...own, ...input, ...filledIn];
}

/** The names in the `$(circus.sockets.NAME)` of a text. */
function socketsIn(text: string): Set<string> {
  const names = new Set<string>();
  if (!text.includes('((') && !text.includes('$(')) return names;
  expand(text, (name) => {
    if (name.startsWith('sockets.')) names.add(name.slice('sockets.'.length));
    return undefined;
  });
  return names;
}
