/** What Circus said to its clients, compared with what we say: the quick part of `npm run conformance`. */
import assert from 'node:assert/strict';
import { play, recordingsAreHere } from '../conformance/play.js';

describe('conformance', () => {
  const title = 'answers as Circus does: queries, malformed requests, quit';
  if (!recordingsAreHere) it.skip(`${title} (the recordings in ../shared/conformance are not here)`);
  else {
    it(title, async () => {
      const { code, stdout, stderr } = await play(['queries', 'malformed', 'quit'], 18_000);
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout, /[1-9]\d+ passed, 0 failed/);
    });
  }
});
