/** What `explain` tells of the ages of processes. */
import type { Watcher } from '#core';
import { inWords, type Explanation } from '../controller/service.js';
import { agesOf, timeLeft, type Ages } from './age.js';

/** More places than this are not told one by one in the text. */
const mostTold = 5;

/** When each process is replaced for its age, in seconds from now; undefined where they may get as old as they like. */
export function explain({ spec, processes }: Pick<Watcher, 'spec' | 'processes'>): Explanation | undefined {
  const ages = agesOf(spec.options);
  const aging = processes.filter(({ alive, stopping }) => alive && !stopping);
  if (!ages || aging.length === 0) return undefined;
  const all = aging.map(({ wid, age }) => ({ wid, ...bounds(ages, age) }));
  const text = all.slice(0, mostTold).map(sentence);
  if (all.length > mostTold) text.push(`The ages of the other ${all.length - mostTold} are left out here.`);
  return { facts: { max_age: all }, text };
}

function bounds(ages: Ages, lived: number): { readonly earliest: number; readonly latest: number } {
  return { earliest: timeLeft(ages, 0, lived) / 1000, latest: timeLeft(ages, 1, lived) / 1000 };
}

function sentence({ wid, earliest, latest }: { readonly wid: number } & ReturnType<typeof bounds>): string {
  if (latest === 0) return `Place ${wid} is replaced for its age now.`;
  const [from, to] = [inWords(earliest), inWords(latest)];
  if (earliest === 0) return `Place ${wid} is replaced for its age in ${to} at the latest.`;
  return `Place ${wid} is replaced for its age in ${from}${from === to ? '' : `, at the latest in ${to}`}.`;
}
