/** What talks to the daemon, behind one door: the bundler makes one file of it, and each file costs a start 1 ms. */
export { addedCommands, ask } from './client.js';
export { listen } from './listen.js';
export { showProgress } from './progress.js';
