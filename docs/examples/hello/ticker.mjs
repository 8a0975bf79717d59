// A worker that does something from time to time.
let ticks = 0;
setInterval(() => console.log(`tick ${++ticks}`), 5000);
