/** Commands that change what there is: options, new watchers, watchers taken out. */
import { watcherSpec, type Watcher, type WatcherSpec } from '#core';
import * as v from 'valibot';
import {
  anything,
  defineCommand,
  described,
  name,
  nameWord,
  newName,
  object,
  truth,
  waiting,
  waitingFlag,
  type Command,
  type CommandContext,
  type Fields,
} from '../command.js';
import { plain } from '../../plain.js';
import { named } from '../match.js';
import { checkOptions, isId, isObject, type Spec } from '../option-check.js';
import { checkOwner, checkRole } from '../owner.js';
import { RequestError } from '../protocol.js';
import type { Carrier } from '../service.js';
import { reloading, singly, whileComing, withOptions } from '../watcher-options.js';

const isOurs = (value: unknown, own: number | undefined) => isId(value) && Number(value) === own;
const words = v.union([v.string(), v.array(v.string()), v.null()], "'args' is a text or a list of texts");
const hooks = /^hooks(?:\.|$)/;

/** True where nothing is left to carry out: an option that is taken away, and our own user. */
function isIdle(key: string, value: unknown): boolean {
  if (key === 'uid') return value === null || isOurs(value, process.getuid?.());
  if (key === 'gid') return value === null || isOurs(value, process.getgid?.());
  return value === null && !hooks.test(key);
}

/** The plugins that carry these options out. */
const carriersOf = (options: Spec, { configuration }: Pick<CommandContext, 'configuration'>): readonly Carrier[] =>
  Object.entries(options)
    .flatMap(singly)
    .flatMap(([key, value]) => (isIdle(key, value) ? [] : (configuration?.carrier(key) ?? [])));

/** `checkOptions`, with what this daemon knows of plugins. @throws RequestError */
const checked = (options: unknown, { configuration }: Pick<CommandContext, 'configuration'>): Spec =>
  checkOptions(options, (key) => configuration?.carrier(key) !== undefined);

/**
 * Has the plugins loaded that carry these options out, and hooks looked at, which runs them; undefined when there is
 * nothing of that to do. @throws RequestError
 */
function bring(options: unknown, before: WatcherSpec | undefined, context: CommandContext): Promise<void> | undefined {
  const { arbiter, configuration, owner } = context;
  const given = isObject(options) ? options : {};
  const carriers = new Set(carriersOf(given, context).map(({ plugin }) => plugin));
  const missing = [...carriers].filter((plugin) => !arbiter.plugins.has(plugin));
  const looks = before !== undefined && Object.keys(given).some((key) => hooks.test(key));
  if (!configuration || (missing.length === 0 && !looks)) return undefined;
  const wanted = looks ? withOptions(before, checked(given, context)) : undefined;
  if (wanted) checkOwner(owner, Object.keys(given), before!);
  return (async () => {
    await Promise.all(missing.map((plugin) => configuration.need(plugin)));
    const [flaw] = wanted ? await configuration.judge(wanted) : [];
    if (flaw !== undefined) throw new RequestError(5, flaw);
  })();
}

function checkSingleton(singleton: boolean, numprocesses: number): void {
  if (singleton && numprocesses > 1) throw new RequestError(5, 'Singleton watcher has a single process');
}

/** The name of a new watcher: it is printed on terminals and stands in topics. @throws RequestError */
function checkName(name: string): void {
  if (plain(name) !== name) throw new RequestError(3, "'name' has a control character in it");
}

/** The commands that change what there is. */
export const changes: readonly Command[] = [
  defineCommand({
    name: 'set',
    summary: 'change options of a watcher',
    role: 'operate',
    properties: object({ name: name(), options: anything('names of options to values'), waiting: waiting() }),
    words: [nameWord, { name: 'options', kind: 'list', required: true, summary: 'names and values in turn' }],
    flags: [waitingFlag],
    reply: 'nothing more',
    prepare({ name, options }, context) {
      checkRole(context.asker.role, Object.keys(Object(options) as object));
      return bring(options, context.arbiter.find(name)?.spec, context);
    },
    run({ name, options: given }, context) {
      const { arbiter, by, asker, publish, owner } = context;
      if (given === undefined) throw new RequestError(3, "message invalid 'options' is missing");
      const watcher = named(arbiter, name);
      const options = checked(given, context);
      const wanted = withOptions(watcher.spec, options);
      checkRole(asker.role, Object.keys(options));
      checkOwner(owner, Object.keys(options), watcher.spec);
      checkSingleton(wanted.singleton, wanted.numprocesses);
      // Asked before anything is done: what a plugin refuses is the answer, also to a client that does not wait.
      arbiter.hooks.change('watcherSpec', wanted);
      for (const _ of Object.keys(options)) publish(watcher.name, 'updated');
      return apply(watcher, options);

      async function apply(target: Watcher, { numprocesses, ...rest }: Record<string, unknown>): Promise<Fields> {
        // What is no singleton any more may have more processes at once.
        if (numprocesses !== undefined && rest.singleton !== undefined)
          target.update(withOptions(target.spec, { singleton: rest.singleton }));
        const resized = numprocesses === undefined ? undefined : target.resize(Number(numprocesses), by).result;
        const change = (spec: WatcherSpec) => withOptions(spec, rest);
        const anew = Object.keys(rest).some((key) => reloading.has(key));
        if (anew && !target.resting) await replace(target, rest, change);
        else target.update(change(target.spec));
        await resized;
        return {};
      }

      async function replace(target: Watcher, options: Spec, change: (spec: WatcherSpec) => WatcherSpec) {
        const { result } = arbiter.reload(target, { change, by });
        try {
          await whileComing(target, options, result);
        } catch (error) {
          // A stop came between: whoever starts it again gets what was set before.
          if (target.wanted === 'down' && arbiter.find(target.name) === target) target.update(change(target.spec));
          throw error;
        }
      }
    },
  }),
  defineCommand({
    name: 'add',
    summary: 'add a watcher',
    role: 'admin',
    wide: true,
    properties: object({
      name: v.pipe(v.string("'name' is a text"), v.minLength(1, "'name' is empty")),
      cmd: v.string("'cmd' is a text"),
      args: v.optional(described(words, 'further words of the command line'), null),
      options: v.optional(anything('names of options to values'), {}),
      start: truth(false, 'start it as well'),
      waiting: waiting(),
    }),
    words: [newName, { name: 'cmd', kind: 'list', required: true, summary: 'its command line' }],
    flags: [{ name: 'start', kind: 'flag', summary: 'start it as well' }, waitingFlag],
    reply: 'started and kept, with start and waiting',
    prepare: ({ name, cmd, args, options }, context) => bring(options, watcherSpec({ name, cmd, args }), context),
    run({ name, cmd, args, options: given, start }, context) {
      const { arbiter, by, publish, owner } = context;
      checkName(name);
      const options = checked(given, context);
      checked({ cmd, args }, context);
      if (arbiter.find(name)) throw new RequestError(5, `'${name}' already exist`);
      const spec = withOptions(watcherSpec({ name, cmd, args }), options);
      checkOwner(owner, ['cmd', ...Object.keys(options)], spec, true);
      checkSingleton(spec.singleton, spec.numprocesses);
      const needs = carriersOf(options, context).flatMap(({ plugin, needed }) => (needed ? plugin : []));
      const watcher = arbiter.add({ ...spec, needs: [...new Set(needs)] });
      publish(name, 'add');
      if (!start) return {};
      return watcher.start(by).result.then(({ started, kept }) => ({ started, kept }));
    },
  }),
  defineCommand({
    name: 'rm',
    summary: 'take a watcher out',
    role: 'admin',
    properties: object({ name: name(), nostop: truth(false, 'leave its processes running'), waiting: waiting() }),
    words: [nameWord],
    flags: [{ name: 'nostop', kind: 'flag', summary: 'leave its processes running' }, waitingFlag],
    reply: 'nothing more',
    run({ name, nostop }, { arbiter, by, publish }) {
      const watcher = named(arbiter, name);
      const [objection] = arbiter.hooks.change('removal', [], watcher);
      if (objection !== undefined) throw new RequestError(5, `'${watcher.name}' is not taken out: ${objection}`);
      publish(watcher.name, 'remove');
      return arbiter.remove(name, { nostop: Boolean(nostop), by }).then(() => ({}));
    },
  }),
];
