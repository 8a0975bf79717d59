/** How far a reload is, shown to whoever waits for its end. */
import { Client, type Job } from '../client/index.js';
import type { Peer } from './client.js';
import { harmless } from './reply.js';
import type { Output } from './run.js';

/** How often it is asked for, and how long an answer may take, in ms. */
const every = 250;
const patience = 2000;

const lineOf = ({ progress: { text, step } }: Job): string =>
  [text, step].filter((part) => part !== undefined).join('; ');

/** Prints a line whenever a reload of the watcher, or of all, has come further; until the returned function is called. */
export function showProgress({ endpoint, curve }: Peer, name: unknown, output: Pick<Output, 'err'>): () => void {
  let client: Client | undefined;
  let shown = '';
  const wanted = typeof name === 'string' ? name.toLowerCase() : undefined;
  const isMeant = ({ command, watchers }: Job) =>
    command === 'reload' && (wanted === undefined || watchers.some((watcher) => watcher.toLowerCase() === wanted));
  const look = async () => {
    client ??= new Client({ endpoint, timeout: patience, curve });
    const { jobs } = await client.jobs();
    const line = jobs.filter(isMeant).map(lineOf).find(Boolean) ?? '';
    if (line === '' || line === shown || over) return;
    shown = line;
    output.err(harmless(`${line}\n`));
  };
  let over = false;
  let timer: NodeJS.Timeout | undefined;
  const again = () => {
    if (over) return;
    timer = setTimeout(() => {
      // Whoever awaits the answer hears there what is wrong.
      look().then(again, again);
    }, every);
  };
  again();
  return () => {
    over = true;
    clearTimeout(timer);
    client?.close();
  };
}
