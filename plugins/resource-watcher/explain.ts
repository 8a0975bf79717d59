/** What `explain` tells of what processes use. */
import type { Watcher } from '#core';
import type { Explanation } from '../controller/service.js';
import { broken, inWords, limitInWords } from './limits.js';
import { machine, type Source, type Watch } from './watch.js';

/** More places than this are not told one by one in the text. */
const mostTold = 5;

const how: Readonly<Record<Source, string>> = {
  rss: ' (resident)',
  pss: ' (its share of what is shared)',
  cgroup: ' (its control group)',
};

/** What each process used when it was looked at last; undefined where there is nothing to tell. */
export function explain({ processes }: Pick<Watcher, 'processes'>, watch: Watch): Explanation | undefined {
  const { limits, rule } = watch.settings;
  const found = processes.flatMap((process) => {
    const known = watch.of(process);
    return known?.sample ? { process, ...known, sample: known.sample } : [];
  });
  const facts = found.map(({ process: { wid, pid }, history, sample, source }) => ({
    ...{ wid, pid, memory: Math.round(sample.memory), source, cpu: sample.cpu },
    over: Object.fromEntries(limits.map((limit) => [limit.key, broken(history, limit)])),
  }));
  const text = found.slice(0, mostTold).flatMap(({ process, history, sample, source }) => {
    const all = limits.map((limit) => {
      const words = inWords(limit, sample, machine) + (limit.what === 'memory' ? how[source] : '');
      return `${words}; ${broken(history, limit)} of the last ${rule.of} samples were ${limitInWords(limit)}`;
    });
    return `Place ${process.wid} ${all.join(', and ')} (it is replaced after ${rule.need}).`;
  });
  if (found.length > mostTold) text.push(`What the other ${found.length - mostTold} use is left out here.`);
  return found.length === 0 ? undefined : { facts: { resources: facts }, text };
}
