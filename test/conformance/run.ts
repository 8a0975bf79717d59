/** `npm run conformance [TRANSCRIPT...]`: plays all transcripts, or those that are named, and tells what differs. */
import { play, recordingsAreHere, transcripts } from './play.js';

if (recordingsAreHere) {
  const names = process.argv.slice(2);
  const { code, stdout, stderr } = await play(names.length > 0 ? names : transcripts);
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  process.exitCode = code;
} else {
  console.error('There are no recordings: ../shared/conformance is missing.');
  process.exitCode = 1;
}
