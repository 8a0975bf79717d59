/** What `explain` tells of a watcher that others come before or after. */
import type { Watcher } from '#core';
import type { Explanation } from '../controller/service.js';
import { inWords, type Follower, type Link } from './follower.js';
import { kinds, settingsOf, type Need } from './settings.js';

/** More than this are not told one by one in the text. */
const mostTold = 5;

const policies = {
  ignore: undefined,
  restart: 'When a watcher that it requires was away or was replaced, its own processes are replaced.',
  stop: 'When a watcher that it requires is not there any more, it stops until that is back.',
};

/** What it waits for and why, what it says, and who waits for it; undefined for one with which nobody has to do. */
export function explain(watcher: Watcher, follower: Follower): Explanation | undefined {
  const { needs, policy } = settingsOf(watcher.spec);
  const links = follower.followersOf(watcher);
  if (needs.length === 0 && links.length === 0) return undefined;
  const awaited = follower.awaitedBy(watcher);
  const waiting = links.filter((link) => follower.awaitedBy(link.watcher).includes(link.need));
  const why = (need: Need) => {
    const words = follower.why(need);
    return `${inWords(need)}${words && ` (${words})`}`;
  };
  const said = kinds.flatMap((kind) => {
    const own = needs.filter((need) => need.kind === kind).map(inWords);
    return own.length === 0 ? [] : `${kind === 'after' ? 'It starts after' : `It ${kind}`} ${few(own)}.`;
  });
  const rule = needs.some(({ kind, outside }) => kind === 'requires' && !outside) ? policies[policy] : undefined;
  return {
    facts: {
      waits_for: needs.map((need) => ({
        ...{ on: need.on, kind: need.kind, condition: need.condition },
        ...{ awaited: awaited.includes(need), why: follower.why(need) },
      })),
      needed_by: links.map((link) => ({
        ...{ name: link.watcher.name, kind: link.need.kind, condition: link.need.condition },
        awaited: waiting.includes(link),
      })),
    },
    text: [
      ...(awaited.length > 0 ? [`It is waiting for ${few(awaited.map(why))}.`] : []),
      ...said,
      ...(rule === undefined ? [] : [rule]),
      ...(waiting.length > 0 ? [`Waiting for it: ${few(waiting.map(linkWords))}.`] : []),
      ...(links.length > 0 ? [`Named by ${few(links.map((link) => `${linkWords(link)}, ${link.need.kind}`))}.`] : []),
    ],
  };
}

const linkWords = ({ watcher, need }: Link) => `${watcher.name} (${need.condition})`;

function few(words: readonly string[]): string {
  const rest = words.length - mostTold;
  return [...words.slice(0, mostTold), ...(rest > 0 ? [`${rest} more`] : [])].join('; ');
}
