/** Every command of ours: those of the controller, and those of other plugins, which are there where their plugin is. */
import { freezing } from '#plugins/cgroup/commands.js';
import type { Command } from '#plugins/controller/command.js';
import { allCommands } from '#plugins/controller/commands/all.js';
import { treeCommand } from '#plugins/dependencies/command.js';
import { commandsOf } from '#plugins/intent/commands.js';
import type { OutOfService } from '#plugins/intent/out-of-service.js';
import type { Rollback } from '#plugins/intent/rollback.js';

const nobody = { of: () => undefined, isActive: () => true, outside: () => [] };
const idle = { isMet: () => true, why: () => '' };
const nothing = { freeze: () => Promise.resolve(true) };

/** The commands that only plugins have, by the plugin. */
export const ofPlugins: Readonly<Record<string, readonly Command[]>> = {
  cgroup: freezing(nobody, nothing),
  dependencies: [treeCommand(idle)],
  intent: commandsOf({} as OutOfService, {} as Rollback),
};

/** All of them, by name. */
export const everyCommand: readonly Command[] = [...allCommands(), ...Object.values(ofPlugins).flat()].sort((a, b) =>
  a.name < b.name ? -1 : 1,
);
