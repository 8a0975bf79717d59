/** What only the start needed: given back once, by us, as V8's own way is off (circusd.ts). */
import { setFlagsFromString } from 'node:v8';
import { releaseFilePages } from '#core';

/** How long after the start its memory is given back, in ms: the first answers come before. */
const settleTime = 500;

/** About half a second from now collects the garbage, and lets go of the pages of code that ran once. */
export function settleMemory(): void {
  setTimeout(() => void collect(), settleTime).unref();
}

async function collect(): Promise<void> {
  try {
    // The one public way to a collection that also returns pages; a Node may be built without it.
    const { Session } = await import('node:inspector');
    const session = new Session();
    session.connect();
    // Where marking can't be spread over time, V8 does not plan to collect again 8 s after this one.
    setFlagsFromString('--no-incremental-marking');
    session.post('HeapProfiler.collectGarbage', () => {
      setFlagsFromString('--incremental-marking');
      // Not at once: V8 still holds the lock here that it takes for a disconnect.
      setImmediate(() => {
        session.disconnect();
        releaseFilePages();
      });
    });
  } catch {
    // Then V8 collects in its own time.
    setFlagsFromString('--incremental-marking');
  }
}
