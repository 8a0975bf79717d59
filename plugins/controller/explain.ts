/** Why a watcher is as it is, and what comes next: facts, and a few sentences about them. */
import type { Arbiter, Process, Watcher, WatcherState } from '#core';
import type { Fields } from './command.js';
import type { End } from './history.js';
import type { Records } from './records.js';

/** More processes and places than this are not told one by one in the text. */
const mostTold = 5;

const ahead: Readonly<Record<Exclude<WatcherState, 'active' | 'stopping' | 'retrying'>, string>> = {
  stopped: 'Nothing happens until it is started.',
  waiting: 'It starts by itself as soon as what it waits for is there.',
  starting: 'It is active as soon as its processes are there.',
  'gave-up': 'Nothing happens until it is started again.',
  completed: 'Nothing happens until it is started again.',
  disabled: 'Nothing happens until it is enabled.',
};

/** States that are no adjectives. */
const words: Partial<Record<WatcherState, string>> = { 'gave-up': 'given up' };

/** A time in words, with the precision of a person: `0.4 s`, `90 s`, `12 min`, `5 h`, `3 d`. */
export function inWords(seconds: number): string {
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}

/** An end in words: `crashed with code 1`, `stopped by operator`. */
export function endInWords({ reason, by, code, signal }: End): string {
  const how = signal === null ? (code === null ? '' : ` with code ${code}`) : ` with ${signal}`;
  return by === null ? `${reason}${how}` : `${reason} by ${by}`;
}

/** Everything about a watcher, or about it and one of its processes. Times are seconds since the epoch. */
export function explain(arbiter: Arbiter, records: Records, watcher: Watcher, only?: Process): Fields {
  const facts = factsOf(arbiter, records, watcher, only);
  return { ...facts, text: sentences(facts, watcher.spec, arbiter.clock.now() / 1000).join('\n') };
}

function factsOf(arbiter: Arbiter, { history, explainers }: Records, watcher: Watcher, only: Process | undefined) {
  const { name, state, reason, wanted, spec } = watcher;
  const now = arbiter.clock.now();
  const ends = history.of(name);
  const living = watcher.processes.filter(({ alive }) => alive);
  const operations = [...arbiter.operations.values()].filter((one) => one.watcher === name && !one.settled);
  return {
    name,
    state,
    since: watcher.since / 1000,
    reason,
    wanted,
    numprocesses: spec.numprocesses,
    running: living.filter(({ stopping }) => !stopping).length,
    ready: living.filter((process) => process.state === 'ready' || process.state === 'adopted').length,
    operations: operations.map(({ id, kind, state, by, progress }) => ({ id, kind, state, by, ...progress })),
    retries: watcher.keeper.slots.retries.map(({ wid, at, reason }) => ({
      wid,
      at: at / 1000,
      in: Math.max(0, at - now) / 1000,
      reason,
    })),
    processes: (only ? [only] : living).map((process) => ({
      pid: process.pid,
      wid: process.wid,
      state: process.state,
      since: history.since(process) / 1000,
      started: process.startedAt / 1000,
      restarts: history.restarts(process),
      last_exit: ends.findLast(({ wid }) => wid === process.wid) ?? null,
      notes: [...explainers].flatMap((explainer) => explainer(process)),
    })),
    last_exit: ends.at(-1) ?? null,
  };
}

type Facts = ReturnType<typeof factsOf>;

function sentences(facts: Facts, spec: Watcher['spec'], now: number): readonly string[] {
  const { name, state, since, reason, numprocesses, running, ready, processes, last_exit } = facts;
  const ago = (time: number) => inWords(now - time);
  const processLine = ({ pid, wid, restarts, last_exit: end, notes, ...process }: Facts['processes'][number]) =>
    `Process ${pid} (place ${wid}) has been ${process.state} for ${ago(process.since)}` +
    (restarts === 0 || !end
      ? '.'
      : `; ${times(restarts)} before it: the last one ${endInWords(end)} ${ago(end.time)} ago.`) +
    notes.map((note) => ` ${note}`).join('');
  const why = reason.replace(/^gave up: /, '');
  // Of what runs, it tells how the last process ended: that follows.
  const isToldBelow = state === 'active' || facts.retries.some((retry) => retry.reason === reason);
  return [
    `${name} has ${words[state] ?? `been ${state}`} for ${ago(since)}${why === '' || isToldBelow ? '' : `: ${why}`}.`,
    running === 0
      ? `No process of it runs, of ${numprocesses}.`
      : `${running} of ${numprocesses} processes run, ${ready} of them ready.`,
    ...facts.operations.map(operationLine),
    ...facts.retries
      .slice(0, mostTold)
      .map((retry) => `Place ${retry.wid} is tried again in ${inWords(retry.in)}: ${retry.reason}.`),
    ...processes.slice(0, mostTold).map(processLine),
    ...(processes.length > mostTold ? [`The other ${processes.length - mostTold} processes are left out here.`] : []),
    ...(processes.length === 0 && last_exit
      ? [`Its last process, ${last_exit.pid}, ${endInWords(last_exit)} ${ago(last_exit.time)} ago.`]
      : []),
    ...next(facts, spec),
  ];
}

const times = (count: number) => (count === 1 ? 'one ended' : `${count} ended`);

function operationLine({ kind, by, state, done, total }: Facts['operations'][number]): string {
  if (state === 'queued') return `A ${kind}, asked for by ${by}, waits for its turn.`;
  const progress = total > 0 ? `: ${done} of ${total} processes are done` : '';
  return `A ${kind}, asked for by ${by}, is under way${progress}.`;
}

function next({ state, operations }: Facts, { respawn, graceful_timeout }: Watcher['spec']): readonly string[] {
  switch (state) {
    case 'retrying':
      return [];
    case 'stopping':
      return [`What has not ended ${inWords(graceful_timeout)} after its signal is killed.`];
    case 'active':
      return [`A process that ends is ${respawn ? 'replaced' : 'not replaced'}.`];
    default:
      // What is asked for already is told above.
      return operations.length > 0 && state !== 'starting' ? [] : [ahead[state]];
  }
}
