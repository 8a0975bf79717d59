/** The plugin controller: its sockets, its commands, and what it offers to other plugins. */
import { definePlugin } from '#core';
import { auditTo, oddMessages } from './audit.js';
import { allCommands } from './commands/all.js';
import { answerDiscovery } from './discovery.js';
import { Dispatcher } from './dispatch.js';
import { openDoors } from './doors.js';
import { pathOf } from './endpoint.js';
import { InfoReader } from './info.js';
import { Jobs } from './jobs.js';
import { tapHooks } from './notices.js';
import { discoveryGroup, endpointHint, optionsSchema, settingsOf } from './options.js';
import { Records } from './records.js';
import { Configuration, Controller, type ControllerService } from './service.js';

/** How long closing waits for commands that are still to be answered, in ms. */
const lastAnswers = 1000;
const beforeOthers = -1000;

/** Takes commands and publishes events, in Circus's wire format. */
export default definePlugin({
  name: 'controller',
  options: optionsSchema,
  wants: { configuration: Configuration },
  provides: { controller: Controller },
  async apply({ arbiter, hooks, services, log, defer, guard, keep, restored }, options) {
    const settings = settingsOf(options);
    const { doors, events } = await openDoors(options, settings, log, defer);
    const records = new Records(arbiter, events.outbox, restored);
    keep(() => records.state);
    const { publish } = records;
    const reader = new InfoReader();
    const jobs = new Jobs();
    tapHooks(hooks, { records, reader, jobs });
    const group = discoveryGroup(options);
    if (group !== undefined) defer(await answerDiscovery(group, settings.endpoint, { arbiter, log, guard }));
    const owner = pathOf(settings.endpoint) === undefined ? undefined : options.endpoint_owner;
    const context = { arbiter, settings, configuration: services.configuration, records, publish, owner, jobs };
    const dispatcher = new Dispatcher(allCommands(reader), context, auditTo(log));
    defer(() => dispatcher.answered(lastAnswers));
    const odd = oddMessages(log);
    const receive = () => {
      for (const { asker, listener } of doors)
        listener.receive(
          guard((frame: Buffer, reply: (text: string) => void) => dispatcher.handle(frame, asker, reply)),
          odd,
        );
    };
    // At the daemon's start, plugins come before watchers, and nobody is to be told that there are none.
    if (arbiter.watchers.length > 0 || restored !== undefined) receive();
    else hooks.start.tap({ name: 'controller', stage: beforeOthers }, receive);
    const hint = endpointHint(options, settings.endpoint);
    log.info(`taking commands on ${settings.endpoint}, publishing events on ${settings.pubsub_endpoint}${hint}`);

    const controller: ControllerService = {
      endpoint: settings.endpoint,
      commands: dispatcher.commands,
      addCommand: (command) => dispatcher.add(command),
      extendStats: (extend) => reader.addExtension(extend),
      execute: async (command, properties, by) => dispatcher.execute(command, properties, { name: by, role: 'admin' }),
      askerOf: (watcher) => jobs.askerOf(watcher),
      ...records.additions,
    };
    return { controller };
  },
});
