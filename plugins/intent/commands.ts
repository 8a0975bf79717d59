/** The commands disable, enable and rollback. */
import * as v from 'valibot';
import type { Arbiter, Watcher } from '#core';
import {
  defineCommand,
  matching,
  name,
  named,
  nameWord,
  object,
  RequestError,
  truth,
  waiting,
  waitingFlag,
  type Argument,
  type Command,
  type CommandContext,
  type Fields,
} from '../controller/service.js';
import { plain } from '../plain.js';
import { integer } from '../schema.js';
import type { OutOfService } from './out-of-service.js';
import type { Rollback, Step } from './rollback.js';

/** Longer reasons are cut. */
const longestReason = 200;

const matchFlag: Argument = { name: 'match', kind: 'text', summary: 'how the name is meant: glob, simple or regex' };
const match = v.optional(v.pipe(v.unknown(), v.description('glob, simple or regex; glob without it')));
const reason = v.optional(
  v.pipe(
    v.union([v.string(), v.array(v.string())], "'reason' is a text"),
    v.transform((words) => plain([words].flat().join(' ').trim()).slice(0, longestReason)),
    v.description('why, for those who come after'),
  ),
  '',
);

/** Who asks, and by what that is known. */
const whoIs = ({ asker: { name, proven } }: CommandContext): string =>
  proven === undefined ? name : `${name} (${proven})`;

/** The watchers that are meant. @throws RequestError when there is none */
const meant = ({ arbiter }: Pick<CommandContext, 'arbiter'>, name: string, match: unknown): readonly Watcher[] =>
  matching(arbiter.watchers, name, match);

/** As `meant`, but for a disabled one that is not there now; of those, the name is answered. */
function known(context: CommandContext, service: OutOfService, name: string, match: unknown) {
  const sees = context.asker.sees ?? (() => true);
  const isGone = !context.arbiter.find(name) && service.about(name) !== undefined && sees(name);
  return { gone: isGone ? [name] : [], watchers: isGone ? [] : meant(context, name, match) };
}

const namesOf = (watchers: readonly { readonly name: string }[]) => watchers.map(({ name }) => name);

async function enable(
  service: OutOfService,
  watchers: readonly Watcher[],
  gone: readonly string[],
  later: boolean,
  context: CommandContext,
): Promise<Fields> {
  const { arbiter, by, publish } = context;
  const disabled = watchers.filter((watcher) => watcher.disabled !== undefined);
  const ready = await service.putBack(disabled, by);
  await service.drop(gone);
  for (const watcher of disabled) publish(watcher.name, 'enabled', { by: whoIs(context) });
  const starting = later ? [] : ready;
  const [failure] = await arbiter.startAll(starting, by);
  if (failure !== undefined) throw failure;
  return { enabled: [...namesOf(disabled), ...gone], started: namesOf(starting) };
}

const outOfService = (service: OutOfService): readonly Command[] => [
  defineCommand({
    name: 'disable',
    summary: 'stop watchers, and keep them down until they are enabled, also when the daemon is started again',
    role: 'operate',
    wide: false,
    properties: object({ name: name(), reason, match, waiting: waiting() }),
    words: [nameWord, { name: 'reason', kind: 'list', summary: 'why, for those who come after' }],
    flags: [waitingFlag, matchFlag],
    reply: 'disabled: the names',
    prepare: ({ name, reason, match }, context) =>
      service.note(meant(context, name, match), whoIs(context), reason === '' ? null : reason),
    async run({ name, match }, context) {
      const watchers = meant(context, name, match);
      for (const watcher of watchers) {
        const decision = service.about(watcher.name);
        if (!decision || watcher.disabled !== undefined) continue;
        context.publish(watcher.name, 'disabled', { by: decision.by, reason: decision.reason });
      }
      await Promise.all(watchers.map((watcher) => service.keep(watcher, context.by)));
      return { disabled: namesOf(watchers) };
    },
  }),
  defineCommand({
    name: 'enable',
    summary: 'put disabled watchers back into service; those that ran, or start with the daemon, are started',
    role: 'operate',
    wide: false,
    properties: object({ name: name(), later: truth(false, 'start nothing'), match, waiting: waiting() }),
    words: [nameWord],
    flags: [waitingFlag, { name: 'later', kind: 'flag', summary: 'start nothing' }, matchFlag],
    reply: 'enabled: the names of those that were disabled; started: those of them that were to run',
    run({ name, later, match }, context) {
      // At once, so that a wrong name is the answer also to a client that does not wait.
      const { gone, watchers } = known(context, service, name, match);
      return enable(service, watchers, gone, Boolean(later), context);
    },
  }),
];

const told = ({ watcher, to, keys }: Step): Fields => ({
  watcher: watcher.name,
  good: to.good / 1000,
  replaced: to.replaced ? { at: to.replaced.at / 1000, by: to.replaced.by } : null,
  keys,
});

/** All steps, side by side; what fails is told when all are over. */
async function takeAll(
  rollback: Pick<Rollback, 'take'>,
  steps: readonly Step[],
  arbiter: Arbiter,
  context: CommandContext,
): Promise<Fields> {
  const who = whoIs(context);
  const take = async (step: Step) => {
    await rollback.take(arbiter, step, { job: context.by, name: who });
    context.publish(step.watcher.name, 'rolled_back', { by: who, keys: step.keys.map(({ key }) => key) });
    return told(step);
  };
  const results = await Promise.allSettled(steps.map(take));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  return { rolled_back: steps.map(told) };
}

const rollbackCommand = (rollback: Pick<Rollback, 'step' | 'stepsOfAll' | 'list' | 'take'>) =>
  defineCommand({
    name: 'rollback',
    summary: 'give a watcher its last good spec again, or all whose present one is not known to be good',
    role: 'admin',
    wide: false,
    properties: object({
      name: v.optional(name()),
      to: v.optional(
        v.pipe(
          integer(() => "'to' is not a whole number"),
          v.minValue(1, "'to' begins with 1"),
        ),
      ),
      list: truth(false, 'only tell which good specs there are'),
      dry_run: truth(false, 'only tell what would change'),
      waiting: waiting(),
    }),
    words: [{ name: 'name', kind: 'text', summary: 'a watcher; without it, all whose spec is not known to be good' }],
    flags: [
      { name: 'to', kind: 'integer', summary: 'the number of a good spec, as --list tells; 1 without it' },
      { name: 'list', kind: 'flag', summary: 'only tell which good specs there are' },
      { name: 'dry_run', kind: 'flag', summary: 'only tell what would change' },
      waitingFlag,
    ],
    reply:
      'rolled_back, with dry_run would_roll_back: watcher, good (since when that is known, in seconds since the epoch), replaced (at and by) ' +
      'and keys (before and after) of each; with list, good_specs: watcher, present and specs of each',
    run({ name, to, list, dry_run }, context) {
      const { arbiter } = context;
      const watchers = name === undefined ? arbiter.watchers : [named(arbiter, name)];
      if (list) return { good_specs: watchers.map((watcher) => rollback.list(watcher)) };
      if (to !== undefined && name === undefined) throw new RequestError(5, "'to' needs the name of a watcher");
      const steps =
        name === undefined ? rollback.stepsOfAll(watchers) : watchers.map((watcher) => rollback.step(watcher, to));
      if (dry_run) return { would_roll_back: steps.map(told) };
      return takeAll(rollback, steps, arbiter, context);
    },
  });

/** All three. */
export const commandsOf = (
  service: OutOfService,
  rollback: Pick<Rollback, 'step' | 'stepsOfAll' | 'list' | 'take'>,
): readonly Command[] => [...outOfService(service), rollbackCommand(rollback)];
