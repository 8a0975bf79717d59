/** Commands about the configuration files that the daemon was started from. */
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
} from '../command.js';
import { RequestError } from '../protocol.js';
import type { ConfigurationService } from '../service.js';

function configurationOf({ configuration }: CommandContext): ConfigurationService {
  if (!configuration) throw new RequestError(5, 'this daemon was not started from a configuration file');
  return configuration;
}

/** The commands about the configuration files. */
export const configurationCommands: readonly Command[] = [
  defineCommand({
    name: 'plan',
    summary: 'tell what reloadconfig would do, and what was changed at run time',
    role: 'view',
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
    run(_, context) {
      return configurationOf(context)
        .apply(context.by)
        .then((plan) => ({ ...plan }));
    },
  }),
  defineCommand({
    name: 'save',
    summary: 'write what was changed at run time into the file of overrides',
    role: 'admin',
    wide: true,
    properties: object({ name: v.optional(name()) }),
    words: [anyName],
    flags: [],
    reply: 'file: where it was written; saved: the watchers and keys',
    run({ name }, context) {
      return configurationOf(context)
        .save(name)
        .then((result) => ({ ...result }));
    },
  }),
];
