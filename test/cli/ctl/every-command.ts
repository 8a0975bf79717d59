/** Every command of ours: those of the controller, and those of other plugins, which are there where their plugin is. */
import { freezing } from '#plugins/cgroup/commands.js';
import type { Command } from '#plugins/controller/command.js';
import { allCommands } from '#plugins/controller/commands/all.js';
import { treeCommand } from '#plugins/dependencies/command.js';

const nobody = { of: () => undefined, isActive: () => true, outside: () => [] };
const idle = { isMet: () => true, why: () => '' };
const nothing = { freeze: () => Promise.resolve(true) };

/** The commands that only plugins have. */
export const ofPlugins: readonly Command[] = [...freezing(nobody, nothing), treeCommand(idle)];

/** All of them, by name. */
export const everyCommand: readonly Command[] = [...allCommands(), ...ofPlugins].sort((a, b) =>
  a.name < b.name ? -1 : 1,
);
