#!/usr/bin/env node
/** The door of the command line client: the rest is imported late, as the bundler puts modules of several programs in an order of its own. */
// oxlint-disable-next-line import/no-unassigned-import
import './debugger.js';

await import('./ctl/main.js');
