/** Commands that start, stop and replace. */
import type { Arbiter, Operation, Report, Watcher, WatcherState } from '#core';
import * as v from 'valibot';
import {
  anyName,
  anything,
  defineCommand,
  name,
  object,
  truth,
  waiting,
  waitingFlag,
  type Argument,
  type Command,
  type CommandContext,
  type Fields,
} from '../command.js';
import { innerPlugins } from '../inner.js';
import { matching, named } from '../match.js';
import { RequestError } from '../protocol.js';
import type { InnerPlugin } from '../service.js';

const matchFlag: Argument = { name: 'match', kind: 'text', summary: 'how the name is meant: glob, simple or regex' };
const several = object({
  name: v.optional(name()),
  match: v.optional(anything('glob, simple or regex; glob without it')),
  waiting: waiting(),
});

const throughout = ({ started, stopped, kept }: Report) => ({ info: { stopped, started, kept } });
const infoOf: Readonly<Record<'start' | 'stop' | 'restart', (report: Report) => Fields>> = {
  start: ({ started, kept }) => ({ info: { started, kept } }),
  stop: () => ({ info: null }),
  restart: throughout,
};

/** The first failure of many, when there is one: with `waiting` it is the reply. */
async function allDone(work: Promise<readonly unknown[]>): Promise<Fields> {
  const [failure] = await work;
  if (failure !== undefined) throw failure;
  return {};
}

/** States in which a watcher is not up although its start is over: the reply says so, as Circus's does not. */
const troubles = new Set<WatcherState>(['waiting', 'retrying', 'gave-up']);

/** The reply about one watcher. */
const withState = ({ state, reason }: Watcher, fields: Fields): Fields => ({
  ...fields,
  ...(troubles.has(state) ? { state, reason } : {}),
});

const one = (watcher: Watcher, operation: Operation, fields: (report: Report) => Fields): Promise<Fields> =>
  operation.result.then((report) => withState(watcher, fields(report)));
const autostarted = (watchers: readonly Watcher[]) => watchers.filter(({ spec }) => spec.autostart);

async function restartAll(arbiter: Arbiter, watchers: readonly Watcher[], by: string): Promise<Fields> {
  await allDone(arbiter.stopAll(watchers, by));
  return allDone(arbiter.startAll(autostarted(watchers), by));
}

type Verb = 'start' | 'stop' | 'restart';
const actions: Readonly<Record<Verb, (arbiter: Arbiter, watchers: readonly Watcher[], by: string) => Promise<Fields>>> =
  {
    start: (arbiter, watchers, by) => allDone(arbiter.startAll(autostarted(watchers), by)),
    stop: (arbiter, watchers, by) => allDone(arbiter.stopAll(watchers, by)),
    restart: restartAll,
  };

/** The same for watchers that are named, each of which is meant: also those that do not start with the daemon. */
const namedActions: typeof actions = {
  start: (arbiter, watchers, by) => arbiter.startAll(watchers, by).then(() => ({})),
  stop: (arbiter, watchers, by) => arbiter.stopAll(watchers, by).then(() => ({})),
  async restart(arbiter, watchers, by) {
    await arbiter.stopAll(watchers, by);
    return namedActions.start(arbiter, watchers, by);
  },
};

const noProcesses: Report = { started: [], stopped: [], kept: [] };

/** Unloads and loads plugins of Circus that run in the daemon. */
async function switchPlugins(
  command: Verb,
  plugins: readonly InnerPlugin[],
  { configuration, publish }: CommandContext,
): Promise<void> {
  const events = command === 'restart' ? (['stop', 'start'] as const) : [command];
  for (const { name } of plugins)
    for (const event of events) if (await configuration?.switchPlugin(name, event === 'start')) publish(name, event);
}

const verb = (command: Verb, summary: string, reply: string) =>
  defineCommand({
    name: command,
    summary,
    role: 'operate',
    ofPlugins: true,
    properties: several,
    words: [anyName],
    flags: [waitingFlag, matchFlag],
    reply,
    run({ name, match }, context) {
      const { arbiter, by } = context;
      const inner = innerPlugins(context);
      const all: readonly (Watcher | InnerPlugin)[] = [...arbiter.watchers, ...inner];
      const meant = new Set(name === undefined ? all : matching(all, name, match));
      const watchers = arbiter.watchers.filter((watcher) => meant.has(watcher));
      const plugins = inner.filter((plugin) => meant.has(plugin));
      const [only] = watchers;
      if (name !== undefined && meant.size === 1 && only) return one(only, only[command](by), infoOf[command]);
      // Side by side, so that what is asked next finds both under way.
      const turned = switchPlugins(command, plugins, context);
      if (name !== undefined && meant.size === 1) return turned.then(() => infoOf[command](noProcesses));
      return Promise.all([actions[command](arbiter, watchers, by), turned]).then(([fields]) => fields);
    },
    together: {
      brings: command === 'stop' ? undefined : command,
      act: (watchers, _, { arbiter, by }) => namedActions[command](arbiter, watchers, by),
      tell: (watcher, report) => withState(watcher, infoOf[command](report)),
    },
  });

/** The reload of a watcher that is under way, unless it brings back what another one has changed. @throws RequestError */
function underWay({ name, queue }: Watcher): Operation {
  const found = queue.operations.find(({ kind, settled, by }) => kind === 'reload' && !settled && by !== 'kernel');
  if (!found) throw new RequestError(5, `no reload of "${name}" is under way`);
  return found;
}

/** The commands that start, stop and replace. */
export const lifecycle: readonly Command[] = [
  verb(
    'start',
    'start watchers',
    'info, of one watcher: the pids started and kept; state and reason when it is not up',
  ),
  verb('stop', 'stop watchers', 'info, of one watcher: null'),
  verb('restart', 'stop watchers and start them again', 'info, of one watcher: the pids stopped, started and kept'),
  defineCommand({
    name: 'reload',
    summary: 'replace processes one by one, new ones first',
    role: 'operate',
    properties: object({
      name: v.optional(name()),
      graceful: truth(true, 'false, which is --terminate: stop all, then start all'),
      sequential: truth(false, 'stop each process before its successor starts'),
      continue: truth(false, 'have the reload that waits go on'),
      abort: truth(false, 'end the reload that is under way'),
      waiting: waiting(),
    }),
    words: [anyName],
    flags: [
      waitingFlag,
      { name: 'sequential', kind: 'flag', summary: 'stop each process before its successor starts' },
      { name: 'terminate', kind: 'flag', summary: 'stop all, then start all' },
      { name: 'continue', kind: 'flag', summary: 'have the reload go on that waits behind its canary' },
      {
        name: 'abort',
        kind: 'flag',
        summary: 'end the reload that is under way, and go back where it changed the spec',
      },
    ],
    reply: 'info, of one watcher: the pids stopped, started and kept',
    run({ name, graceful, sequential, continue: proceeds, abort }, { arbiter, by, records }) {
      if (proceeds || abort) {
        if (name === undefined || (proceeds && abort))
          throw new RequestError(3, 'a watcher and one of --continue and --abort are needed');
        const watcher = named(arbiter, name);
        const reload = underWay(watcher);
        if (abort) {
          reload.cancel(by);
          return {};
        }
        if (records.continuations.about(watcher).length === 0)
          throw new RequestError(5, `the reload of "${watcher.name}" does not wait for anybody`);
        return one(watcher, reload, throughout);
      }
      const request = { graceful: Boolean(graceful), sequential: Boolean(sequential), by };
      if (name !== undefined) {
        const watcher = named(arbiter, name);
        return one(watcher, arbiter.reload(watcher, request), throughout);
      }
      return allDone(arbiter.reloadAll(arbiter.watchers, request));
    },
    together: {
      applies: ({ continue: proceeds, abort }) => !proceeds && !abort,
      brings: 'reload',
      act: (watchers, { graceful, sequential }, { arbiter, by }) =>
        arbiter.reloadAll(watchers, { graceful: Boolean(graceful), sequential: Boolean(sequential), by }),
      tell: (watcher, report) => withState(watcher, throughout(report)),
    },
  }),
  defineCommand({
    name: 'quit',
    summary: 'stop everything, the daemon too',
    role: 'admin',
    wide: true,
    properties: object({ waiting: waiting() }),
    words: [],
    flags: [waitingFlag],
    reply: 'nothing more',
    run: (_, { arbiter, by }) => arbiter.stop(by).then(() => ({})),
  }),
];
