#!/usr/bin/env node
/** The door of the program that runs a plugin in a process of its own. */
// oxlint-disable-next-line import/no-unassigned-import
import './debugger.js';

await import('./plugin-host/main.js');
