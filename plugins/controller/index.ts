import { definePlugin, reasonOf } from '#core';
import { changes } from './commands/changes.js';
import { configurationCommands } from './commands/configuration.js';
import { lifecycle } from './commands/lifecycle.js';
import { insight } from './commands/insight.js';
import { processes } from './commands/processes.js';
import { queries } from './commands/queries.js';
import { Dispatcher } from './dispatch.js';
import { pathOf } from './endpoint.js';
import { InfoReader } from './info.js';
import { listenForRequests, listenForSubscribers } from './listener.js';
import { optionsSchema, settingsOf } from './options.js';
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
    const access = { owner: options.endpoint_owner, insecure: options.insecure };
    // First, as a second daemon with the same configuration is to be told of this one.
    const requests = await listenForRequests(settings.endpoint, access);
    defer(() => requests.close());
    const events = await listenForSubscribers(settings.pubsub_endpoint, access);
    defer(() => events.close());
    const records = new Records(arbiter, events.outbox, restored);
    records.tap(hooks);
    keep(() => records.state);
    const { publish } = records;

    const reader = new InfoReader();
    hooks.reaped.tap('controller', (_exit, { pid }) => reader.forget(pid));
    Object.assign(settings, { endpoint: requests.address, pubsub_endpoint: events.address });
    const commands = [...queries(reader), ...lifecycle, ...processes, ...changes, ...configurationCommands, ...insight];
    const owner = pathOf(requests.address) === undefined ? undefined : access.owner;
    const context = { arbiter, settings, configuration: services.configuration, records, publish, owner };
    const dispatcher = new Dispatcher(commands, context, (command, error) =>
      log.error(`${command} failed: ${reasonOf(error)}`),
    );
    defer(() => dispatcher.answered(lastAnswers));
    const handle = guard((frame: Buffer, reply: (text: string) => void) => dispatcher.handle(frame, 'operator', reply));
    const odd = (frames: number) => log.warn(`got a message of ${frames} frames; a request is one`);
    const receive = () => requests.receive(handle, odd);
    // At the daemon's start, plugins come before watchers, and nobody is to be told that there are none.
    if (arbiter.watchers.length > 0) receive();
    else hooks.start.tap({ name: 'controller', stage: beforeOthers }, receive);
    log.info(`taking commands on ${requests.address}, publishing events on ${events.address}`);

    const controller: ControllerService = {
      commands: dispatcher.commands,
      addCommand: (command) => dispatcher.add(command),
      execute: async (command, properties, by) => dispatcher.execute(command, properties, by),
      publish,
    };
    return { controller };
  },
});
