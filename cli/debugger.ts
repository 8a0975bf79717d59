/** To be imported before anything else: without it Node opens a debugger port to whoever sends SIGUSR1. */
process.on('SIGUSR1', () => undefined);
