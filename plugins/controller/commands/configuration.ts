/** Commands about the configuration files that the daemon was started from. */
import { reasonOf } from '#core';
import * as v from 'valibot';
import {
  anyName,
  defineCommand,
  name,
  object,
  waiting,
  waitingFlag,
  type Command,
  type CommandContext,
  type Fields,
} from '../command.js';
import { RequestError } from '../protocol.js';
import type { ConfigurationService } from '../service.js';

function configurationOf({ configuration }: CommandContext): ConfigurationService {
  if (!configuration) throw new RequestError(5, 'this daemon was not started from a configuration file');
  return configuration;
}

/** Reads the files again, and publishes what came of it: names of keys, as their values may be secret. */
async function reloadConfiguration(
  configuration: ConfigurationService,
  { by, records }: CommandContext,
): Promise<Fields> {
  const fail = (reason: string) => records.announce('config_failed', { reason, by });
  try {
    const plan = await configuration.apply(by);
    const changes = plan.changes.map(({ kind, name, what, keys }) => ({
      kind,
      name,
      what,
      keys: keys.map(({ key }) => key),
    }));
    if (changes.length > 0) records.announce('config_changed', { changes, by });
    const wrong = plan.problems.filter((problem) => problem.startsWith('error: '));
    if (wrong.length > 0) fail(wrong.join('; '));
    return { ...plan };
  } catch (error) {
    fail(reasonOf(error));
    throw error;
  }
}

/** The commands about the configuration files. */
export const configurationCommands: readonly Command[] = [
  defineCommand({
    name: 'plan',
    summary: 'tell what reloadconfig would do, and what was changed at run time',
    // To see whether hooks can be called, what the files name is imported: that is more than looking.
    role: 'operate',
    isNoJob: true,
    wide: true,
    properties: object({}),
    words: [],
    flags: [],
    reply: 'changes, drift and problems',
    run(_, context) {
      return configurationOf(context)
        .plan()
        .then((plan) => ({ ...plan }));
    },
  }),
  defineCommand({
    name: 'reloadconfig',
    summary: 'read the configuration files again, and do what is needed',
    role: 'admin',
    wide: true,
    properties: object({ waiting: waiting() }),
    words: [],
    flags: [waitingFlag],
    reply: 'with waiting: the changes that were made, drift and problems',
    run: (_, context) => reloadConfiguration(configurationOf(context), context),
  }),
  defineCommand({
    name: 'save',
    summary: 'write what was changed at run time into the file of overrides',
    role: 'admin',
    wide: true,
    properties: object({ name: v.optional(name()) }),
    words: [anyName],
    flags: [],
    reply:
      'file: where it was written; saved: the watchers and keys; unsaved: watcher, key and reason of what would not be read back as it is',
    run({ name }, context) {
      return configurationOf(context)
        .save(name)
        .then((result) => ({ ...result }));
    },
  }),
];
