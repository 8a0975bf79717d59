/** Commands about the configuration files that the daemon was started from. */
import { defineCommand, object, waiting, waitingFlag, type Command, type CommandContext } from '../command.js';
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
];
