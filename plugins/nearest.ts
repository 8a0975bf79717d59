/** Which of the names that there are was probably meant. */

/** The candidate that was probably meant by `name`, or undefined when none is near; case does not matter. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  const sought = name.toLowerCase();
  let best: string | undefined;
  let least = 1 + (sought.length <= 4 ? 1 : sought.length <= 8 ? 2 : 3);
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - sought.length) >= least) continue;
    const found = distance(sought, candidate.toLowerCase());
    if (found < least && found < candidate.length) {
      best = candidate;
      least = found;
    }
  }
  return best;
}

/** What to add to a sentence about an unknown name: ` (did you mean "numprocesses"?)`, or nothing when none is near. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const meant = nearest(name, candidates);
  return meant === undefined ? '' : ` (did you mean "${meant}"?)`;
}

/** Of two names as near, a wrong letter is less likely than one too many or too few: `staus` is status, not stats. */
const changed = 1.1;

/** How many letters must be put in, left out, changed or swapped with their neighbour to make one word the other. */
function distance(one: string, other: string): number {
  let older: number[] = [];
  let old = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let row = 1; row <= one.length; row++) {
    const line = [row];
    for (let at = 1; at <= other.length; at++) {
      const same = one[row - 1] === other[at - 1];
      let cost = Math.min(old[at]! + 1, line[at - 1]! + 1, old[at - 1]! + (same ? 0 : changed));
      const swapped = row > 1 && at > 1 && one[row - 1] === other[at - 2] && one[row - 2] === other[at - 1];
      if (swapped) cost = Math.min(cost, older[at - 2]! + 1);
      line.push(cost);
    }
    older = old;
    old = line;
  }
  return old[other.length]!;
}
