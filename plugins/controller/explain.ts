/** Why a watcher is as it is, and what comes next: facts, and a few sentences about them. */
import { signalName, stopPlan, type Arbiter, type Process, type Watcher, type WatcherState } from '#core';
import { SIGKILL } from '../signal.js';
import { groupsOf, labelsOf } from '../selector.js';
import type { Fields } from './command.js';
import type { End } from './history.js';
import type { Records } from './records.js';
import { nextWords, wordsOf } from './run-words.js';

/** More processes and places than this are not told one by one in the text. */
const mostTold = 5;

const ahead: Readonly<Record<Exclude<WatcherState, 'active' | 'stopping' | 'retrying'>, string>> = {
  stopped: 'Nothing happens until it is started.',
  waiting: 'It starts by itself as soon as what it waits for is there.',
  starting: 'It is active as soon as its processes are there.',
  'gave-up': 'Nothing happens until it is started again.',
  completed: 'Nothing happens until it is started again.',
  disabled: 'Nothing starts it until it is enabled.',
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
export async function explain(arbiter: Arbiter, records: Records, watcher: Watcher, only?: Process): Promise<Fields> {
  const facts = await factsOf(arbiter, records, watcher, only);
  const more = records.explanations.about(watcher);
  const coming = more.flatMap((one) => one.next ?? []);
  const ahead = coming.length > 0 ? coming : next(facts, watcher.spec);
  const text = [...sentences(facts, ahead, arbiter.clock.now() / 1000), ...more.flatMap((one) => one.text)];
  return { ...Object.assign({}, ...more.map((one) => one.facts)), ...facts, text: text.join('\n') };
}

async function factsOf(arbiter: Arbiter, { history, notes }: Records, watcher: Watcher, only: Process | undefined) {
  const { name, state, reason, wanted, spec } = watcher;
  const now = arbiter.clock.now();
  const ends = history.of(name);
  const living = watcher.processes.filter(({ alive }) => alive);
  const { retries } = watcher.keeper.slots;
  const wouldRun = living.length > 0 ? null : await nextWords(watcher, arbiter.plugins, retries[0]?.wid ?? 1);
  const operations = [...arbiter.operations.values()].filter((one) => one.watcher === name && !one.settled);
  return {
    name,
    state,
    since: watcher.since / 1000,
    reason,
    wanted,
    groups: groupsOf(spec),
    labels: labelsOf(spec),
    numprocesses: spec.numprocesses,
    running: living.filter(({ stopping }) => !stopping).length,
    ready: living.filter((process) => process.state === 'ready' || process.state === 'adopted').length,
    operations: operations.map(({ id, kind, state, by, progress }) => ({ id, kind, state, by, ...progress })),
    retries: retries.map(({ wid, at, reason }) => ({
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
      ...wordsOf(process, watcher),
      last_exit: ends.findLast(({ wid }) => wid === process.wid) ?? null,
      notes: notes.about(process).flat(),
    })),
    last_exit: ends.at(-1) ?? null,
    stop: stopOf(watcher),
    would_run: wouldRun,
  };
}

/** What a stop does: the signals with the seconds after which they are sent, and by what the whole tree is ended. */
function stopOf({ spec, means }: Watcher) {
  const { signal, grace, further } = stopPlan(spec);
  const steps = [{ signal, after: 0 }, ...further, ...(signal === SIGKILL ? [] : [{ signal: SIGKILL, after: grace }])];
  return {
    signals: steps.map(({ signal, after }) => ({ signal: signalName(signal) ?? String(signal), after: after / 1000 })),
    means: means.by,
  };
}

type Facts = Awaited<ReturnType<typeof factsOf>>;

function sentences(facts: Facts, ahead: readonly string[], now: number): readonly string[] {
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
    `${name} has ${words[state] ?? `been ${state}`} for ${ago(since)}${why === '' || isToldBelow ? '' : `${state === 'disabled' ? '' : ':'} ${why}`}.`,
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
    ...commandLines(processes.slice(0, mostTold)),
    stopLine(facts.stop),
    ...belongingLine(facts),
    ...ahead,
    ...nextLine(facts),
  ];
}

/** The command line of each process, or one for all where it is the same. */
function commandLines(processes: Facts['processes']): readonly string[] {
  const commands = new Set(processes.map(({ command }) => command));
  if (commands.size <= 1) return [...commands].map((command) => `Command line: ${command}`);
  return processes.map(({ wid, command }) => `Command line of place ${wid}: ${command}`);
}

function nextLine({ would_run }: Facts): readonly string[] {
  if (would_run === null) return [];
  return ['error' in would_run ? `A start would fail: ${would_run.error}.` : `A start would run: ${would_run.command}`];
}

function belongingLine({ groups, labels }: Facts): readonly string[] {
  const all = [
    ...groups.map((group) => `@${group}`),
    ...Object.entries(labels).map(([name, value]) => `${name}=${value}`),
  ];
  return all.length === 0 ? [] : [`Commands mean it by ${all.join(', ')} too.`];
}

const times = (count: number) => (count === 1 ? 'one ended' : `${count} ended`);

function operationLine({ kind, by, state, done, total, step }: Facts['operations'][number]): string {
  if (state === 'queued') return `A ${kind}, asked for by ${by}, waits for its turn.`;
  const progress = total > 0 ? `: ${done} of ${total} processes are done` : '';
  return `A ${kind}, asked for by ${by}, is under way${progress}${step === undefined ? '' : `; ${step}`}.`;
}

/** What the kernel's own means are good for. */
const reach: Readonly<Record<string, string>> = {
  subreaper: 'its descendants are found in the table of processes (subreaper)',
  'process group': 'what leaves its process group can get away, as circusd may not be a subreaper (process group)',
};

function stopLine({ signals, means }: Facts['stop']): string {
  const steps = signals.map(({ signal, after }, at) => (at === 0 ? signal : `${signal} after ${inWords(after)}`));
  return `A stop sends ${steps.join(', ')}; ${reach[means] ?? `all of its tree is killed by ${means}`}.`;
}

function next({ state, operations }: Facts, spec: Watcher['spec']): readonly string[] {
  switch (state) {
    case 'retrying':
      return [];
    case 'stopping':
      return [`What has not ended ${inWords(stopPlan(spec).grace / 1000)} after its signal is killed.`];
    case 'active':
      return [`A process that ends is ${spec.respawn ? 'replaced' : 'not replaced'}.`];
    default:
      // What is asked for already is told above.
      return operations.length > 0 && state !== 'starting' ? [] : [ahead[state]];
  }
}
