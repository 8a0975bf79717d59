/** From a `[watcher:NAME]` section to the spec that the kernel keeps processes of. */
import { expand, watcherSpec, type WatcherSpec } from '#core';
import type { Environments } from './expand.js';
import { nameIn, takeOptions, type Building, type Taken } from './options.js';
import { didYouMean } from './problem.js';
import { schema } from './schema.js';
import type { WrittenSection } from './sections.js';

/** The keys that are fields of the spec; all others end up in `spec.options`. */
const empty = watcherSpec({ name: '', cmd: '' });
const fields = new Set(schema.watcher.map((option) => option.key).filter((key) => key in empty));
for (const key of ['name', 'env']) fields.delete(key);

/** Builds the spec of a watcher; what is wrong with it is reported, and makes it unfit for use when it is an error. */
export function buildWatcher(
  building: Building,
  section: WrittenSection,
  environments: Environments,
  sockets: ReadonlySet<string>,
): WatcherSpec {
  const { value: override } = building.written.sections.get(section.name)?.options.get('name') ?? { value: '' };
  const name = override || nameIn(section);
  const { lookup, env, copied } = environments.of(name);
  const taken = takeOptions(building, 'watcher', section, environments.shared, lookup);
  const spec = watcherSpec({
    args: '',
    ...fieldsOf(taken),
    name,
    cmd: taken.texts.get('cmd') ?? '',
    env: taken.values.copy_env === true ? copied : env,
    options: optionsOf(taken, section),
  });
  check(spec, taken, sockets);
  return spec;
}

function fieldsOf({ values }: Taken): Partial<WatcherSpec> {
  const given = Object.entries(values).filter(
    ([key, value]) => fields.has(key) && !(key === 'working_dir' && value === ''),
  );
  const named = Array.isArray(values.sockets) && values.sockets.length > 0 && values.use_sockets === undefined;
  return Object.fromEntries(named ? [...given, ['use_sockets', true]] : given);
}

function optionsOf({ texts }: Taken, section: WrittenSection): Record<string, string> {
  const others = [...texts].filter(([key]) => !fields.has(key) && key !== 'name' && key !== 'env');
  return Object.fromEntries([...others, ['__name__', section.name]]);
}

function check(spec: WatcherSpec, { report, texts }: Taken, sockets: ReadonlySet<string>): void {
  if (spec.name === '') report('error', undefined, 'the section header has no name after "watcher:"');
  if (spec.cmd.trim() === '') report('error', 'cmd', `watcher "${spec.name}" has no "cmd", so there is nothing to run`);
  if (spec.singleton && spec.numprocesses > 1) {
    report('error', 'numprocesses', `"numprocesses" is ${spec.numprocesses}, but a singleton has at most one process`);
  }
  if (spec.shell_args !== null && !spec.shell) {
    report('warning', 'shell_args', '"shell_args" has no effect without "shell = true"');
  }
  const known = (key: string, name: string): void => {
    if (!sockets.has(name)) {
      report(
        'error',
        key,
        `"${key}" names socket "${name}", but there is no [socket:${name}]${didYouMean(name, sockets)}`,
      );
    }
  };
  for (const name of spec.sockets) known('sockets', name);
  if (spec.stdin_socket) known('stdin_socket', spec.stdin_socket);
  for (const key of ['cmd', 'args', 'shell_args']) {
    for (const name of socketsIn(texts.get(key) ?? '')) known(key, name);
  }
}

/** The names in the `$(circus.sockets.NAME)` of a text. */
function socketsIn(text: string): Set<string> {
  const names = new Set<string>();
  expand(text, (name) => {
    if (name.startsWith('sockets.')) names.add(name.slice('sockets.'.length));
    return undefined;
  });
  return names;
}
