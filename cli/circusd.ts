#!/usr/bin/env node
/** The daemon's door: what Node and V8 must be told before they read the rest. */
// oxlint-disable-next-line import/no-unassigned-import
import './debugger.js';
import { setFlagsFromString } from 'node:v8';

// Else V8 collects twice, 8 and 9 s after a start: up to 50 ms of CPU in a daemon that has nothing to do. See daemon/memory.ts.
setFlagsFromString('--no-memory-reducer-for-small-heaps');

await import('./daemon/main.js');
