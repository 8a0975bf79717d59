/** Commands that only look. */
import { circusState, usesSocket, type Process, type Watcher, type WatcherState } from '#core';
import * as v from 'valibot';
import {
  anyName,
  defineCommand,
  name,
  object,
  pid,
  truth,
  type Command,
  type Fields,
  type Settings,
} from '../command.js';
import { InfoReader, noSuchProcess } from '../info.js';
import { countOf, innerPlugin, innerPlugins, innerState } from '../inner.js';
import { groupsIn } from './groups.js';
import { named } from '../match.js';
import { quoted, RequestError } from '../protocol.js';
import type { Records } from '../records.js';
import { optionQueries } from './options.js';

const optionalName = object({ name: v.optional(name()) });
const nothing = object({});
const living = (watcher: Watcher) => watcher.processes.filter(({ alive }) => alive);
const pidsOf = (watcher: Watcher) => living(watcher).map(({ pid }) => pid);

/** States that a person wants explained. */
const told = new Set<WatcherState>(['waiting', 'retrying', 'gave-up', 'completed']);

/** What plugins have to say in a word, by watcher; nothing where they have not. */
function notesOf(watchers: readonly Watcher[], { marks }: Records): Fields {
  const notes = watchers.flatMap((watcher) => {
    const all = marks.about(watcher);
    return all.length > 0 ? [[watcher.name, all.join(', ')]] : [];
  });
  return notes.length > 0 ? { notes: Object.fromEntries(notes) as Fields } : {};
}

/** The commands that only look; `reader` keeps the CPU samples between two calls of `stats`. */
export function queries(reader = new InfoReader()): readonly Command[] {
  const infoOf = (process: Process) => {
    const info = reader.read(process.pid, true);
    return info
      ? { ...info, age: process.age / 1000, started: process.startedAt / 1000, wid: process.wid }
      : noSuchProcess;
  };
  const infosOf = (watcher: Watcher) =>
    Object.fromEntries(living(watcher).map((process) => [process.pid, infoOf(process)]));

  return [
    defineCommand({
      name: 'list',
      summary: 'list watchers, or the processes of one',
      role: 'view',
      ofPlugins: true,
      properties: optionalName,
      words: [anyName],
      flags: [],
      reply: 'watchers: lower-case names, sorted; or pids: those of the watcher',
      run({ name }, context) {
        const { arbiter } = context;
        if (name !== undefined) return { pids: innerPlugin(context, name) ? [] : pidsOf(named(arbiter, name)) };
        const all = [...arbiter.watchers, ...innerPlugins(context)];
        return { watchers: all.map((watcher) => watcher.name.toLowerCase()).sort() };
      },
    }),
    defineCommand({
      name: 'status',
      summary: 'tell what watchers are doing',
      role: 'view',
      ofPlugins: true,
      properties: optionalName,
      words: [anyName],
      flags: [],
      reply:
        'statuses: names to states, details of those that wait, retry, gave up or are completed (state and reason), and problems: what is left out; ' +
        'or status: the state of the watcher, in place of ok, with state and reason; in both, notes: names to a word such as frozen, and groups: names to the groups of those that are in any',
      run({ name }, context) {
        const { arbiter, configuration, asker, records } = context;
        if (name !== undefined) {
          const plugin = innerPlugin(context, name);
          if (plugin) return { status: innerState(plugin), state: innerState(plugin) };
          const watcher = named(arbiter, name);
          const { state, reason } = watcher;
          const more = { ...notesOf([watcher], records), ...groupsIn([watcher]) };
          return { status: circusState[state], state, reason, ...more };
        }
        const watchers = arbiter.watchers.map(({ name, state }) => [name, circusState[state]]);
        const plugins = innerPlugins(context).map((plugin) => [plugin.name, innerState(plugin)]);
        const statuses = Object.fromEntries([...watchers, ...plugins]) as Fields;
        const strange = arbiter.watchers.filter(({ state }) => told.has(state));
        const details = strange.map(({ name, state, reason }) => [name, { state, reason }]);
        const known = asker.sees ? [] : (configuration?.problems ?? []);
        const problems = known.filter((problem) => problem.startsWith('error: '));
        return {
          statuses,
          ...(details.length > 0 ? { details: Object.fromEntries(details) } : {}),
          ...notesOf(arbiter.watchers, records),
          ...groupsIn(arbiter.watchers),
          ...(problems.length > 0 ? { problems } : {}),
        };
      },
    }),
    defineCommand({
      name: 'numprocesses',
      summary: 'count processes',
      role: 'view',
      ofPlugins: true,
      properties: optionalName,
      words: [anyName],
      flags: [],
      reply: 'numprocesses, and watcher_name when a watcher was named',
      run({ name }, context) {
        const { arbiter } = context;
        if (name !== undefined) {
          const plugin = innerPlugin(context, name);
          const numprocesses = plugin ? countOf([plugin]) : living(named(arbiter, name)).length;
          return { numprocesses, watcher_name: name };
        }
        const processes = arbiter.watchers.reduce((sum, watcher) => sum + living(watcher).length, 0);
        return { numprocesses: processes + countOf(innerPlugins(context)) };
      },
    }),
    defineCommand({
      name: 'numwatchers',
      summary: 'count watchers',
      role: 'view',
      properties: nothing,
      words: [],
      flags: [],
      reply: 'numwatchers',
      run: (_, context) => ({ numwatchers: context.arbiter.watchers.length + innerPlugins(context).length }),
    }),
    ...optionQueries,
    defineCommand({
      name: 'globaloptions',
      summary: 'tell the options of the daemon',
      role: 'view',
      properties: object({ option: v.optional(v.string("'option' is a text")) }),
      words: [{ name: 'option', kind: 'text', summary: 'one of them' }],
      flags: [],
      reply:
        'options: endpoint, stats_endpoint, pubsub_endpoint, check_delay, multicast_endpoint; or the one asked for',
      run({ option }, { settings }) {
        const { endpoint, stats_endpoint, pubsub_endpoint, check_delay, multicast_endpoint } = settings;
        const all: Settings = { endpoint, stats_endpoint, pubsub_endpoint, check_delay, multicast_endpoint };
        if (!option) return { options: all };
        if (!Object.hasOwn(all, option)) throw new RequestError(3, `${quoted(option)} not an existing option`);
        return { options: { [option]: all[option as keyof Settings] } };
      },
    }),
    defineCommand({
      name: 'listsockets',
      summary: 'list the sockets that the daemon owns',
      role: 'view',
      wide: true,
      properties: object({ queues: truth(false, 'as a table with queues and watchers, for people') }),
      words: [],
      flags: [{ name: 'queues', kind: 'flag', summary: 'as a table, with who waits and who uses them' }],
      reply:
        'sockets, by descriptor: fd, name, backlog, and host and port or path; queue: how many clients wait to be accepted and queue_limit: ' +
        'how many may, null where the system does not tell; watchers: the names of those that use it; queues: true, when it was asked for',
      run({ queues }, { arbiter }) {
        const sockets = [...arbiter.sockets.values()].map(
          ({ fd, port, queue, spec: { name, backlog, path, host } }) => ({
            ...(path === null ? { fd, name, backlog, host, port } : { fd, name, backlog, path }),
            queue: queue?.length ?? null,
            queue_limit: queue?.limit ?? null,
            watchers: arbiter.watchers
              .flatMap((watcher) => (usesSocket(watcher.spec, name) ? watcher.name : []))
              .sort(),
          }),
        );
        return { sockets: sockets.sort((a, b) => a.fd - b.fd), ...(queues ? { queues: true } : {}) };
      },
    }),
    defineCommand({
      name: 'stats',
      summary: 'tell memory, CPU and age of processes',
      role: 'view',
      ofPlugins: true,
      properties: object({
        name: v.optional(name()),
        process: v.optional(v.union([v.number(), v.string()], "'process' is not a process id")),
        extended: truth(false, 'with what hooks add, for one watcher or process'),
      }),
      words: [anyName, { name: 'process', kind: 'integer', summary: 'a process of it' }],
      flags: [{ name: 'extended', kind: 'flag', summary: 'with what hooks add' }],
      reply:
        'infos: watchers to pids to facts, at most 250 ms old; or name and info; or process and info; hooks are asked once for all who ask ' +
        'within 250 ms, about 8 processes at once',
      run({ name, process: asked, extended }, context) {
        const { arbiter } = context;
        if (name === undefined) {
          const plugins = innerPlugins(context).map((plugin) => [plugin.name, {}]);
          const infos = arbiter.watchers.map((watcher) => [watcher.name, infosOf(watcher)]);
          return { infos: Object.fromEntries([...infos, ...plugins]) as Fields };
        }
        if (asked === undefined && innerPlugin(context, name)) return { name, info: {} };
        const watcher = named(arbiter, name);
        if (asked === undefined) {
          const infos = infosOf(watcher);
          return extended ? reader.extended(watcher, infos).then((info) => ({ name, info })) : { name, info: infos };
        }
        const id = v.parse(pid('process'), asked);
        const process = living(watcher).find(({ pid }) => pid === id);
        if (!process)
          throw new RequestError(
            3,
            `process ${typeof asked === 'string' ? quoted(asked) : asked} not found in ${quoted(name)}`,
          );
        const info = infoOf(process);
        if (!extended) return { process: asked, info };
        return reader
          .extended(watcher, { [process.pid]: info })
          .then(({ [process.pid]: info }) => ({ process: asked, info }));
      },
    }),
    defineCommand({
      name: 'dstats',
      summary: 'tell memory, CPU and age of the daemon',
      role: 'view',
      properties: nothing,
      words: [],
      flags: [],
      reply: 'info: facts about the daemon itself',
      run: () => ({ info: reader.read(process.pid) ?? noSuchProcess }),
    }),
    defineCommand({
      name: 'listen',
      summary: 'print events as they come',
      role: 'view',
      properties: nothing,
      words: [
        {
          name: 'topics',
          kind: 'list',
          summary: 'beginnings of topics; or what means watchers: a pattern, @GROUP, LABEL=VALUE',
        },
      ],
      flags: [],
      reply: 'none: events are published on pubsub_endpoint',
      run() {
        throw new RequestError(3, 'invalid message. use a pub/sub socket');
      },
    }),
  ];
}
