/** What a plugin of the fixtures has noted: one JSON object a line. */
import { existsSync, readFileSync } from 'node:fs';

/** One note; `what` says what it is about. */
export type Note = Readonly<Record<string, unknown>> & { readonly what: string };

/** The whole lines of a file of notes; none when it is not there yet. */
export function notesIn(file: string): readonly Note[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Note);
}

/** The last note that `fits`. @throws with all notes when there is none */
export function noteIn(file: string, fits: (note: Note) => boolean): Note {
  const notes = notesIn(file);
  const found = notes.findLast(fits);
  if (!found) throw new Error(`it is not among ${JSON.stringify(notes)}`);
  return found;
}
