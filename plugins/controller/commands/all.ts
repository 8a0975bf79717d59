/** The commands that every controller has; plugins add theirs. */
import type { Command } from '../command.js';
import type { InfoReader } from '../info.js';
import { changes } from './changes.js';
import { groups } from './groups.js';
import { configurationCommands } from './configuration.js';
import { insight } from './insight.js';
import { jobCommands } from './jobs.js';
import { lifecycle } from './lifecycle.js';
import { ofPlugins } from './of-plugins.js';
import { processes } from './processes.js';
import { queries } from './queries.js';

/** All of them; `reader` is as for `queries`. */
export const allCommands = (reader?: InfoReader): readonly Command[] => [
  ...queries(reader),
  ...lifecycle,
  ...processes,
  ...changes,
  ...configurationCommands,
  groups,
  ...jobCommands,
  ...insight,
  ofPlugins,
];
