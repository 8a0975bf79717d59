/** What `status` and `explain` tell of restarts. */
import type { Watcher } from '#core';
import { inWords, type Explanation } from '../controller/service.js';
import { endedWell, isAmong, readEndings } from '../exit-codes.js';
import { isSpent, type Ends } from './intensity.js';
import type { Settings } from './settings.js';

/** What is known of a watcher: its rules, its places with failures, and whether a start of it waits for the brake. */
export interface Known {
  readonly settings: Settings;
  readonly places: ReadonlyMap<number, Ends>;
  readonly braked: boolean;
}

/** A place that has been paused; `in` are the seconds until its next try, null while it runs or is started. */
interface Place {
  readonly wid: number;
  readonly tries: number;
  /** How many tries are left; null: there is no limit. */
  readonly left: number | null;
  readonly half_open: boolean;
  readonly in: number | null;
}

/** More places than this are not told one by one in the text. */
const mostTold = 5;
const up: ReadonlySet<Watcher['state']> = new Set(['starting', 'active', 'retrying']);

function placesOf(watcher: Watcher, { settings, places }: Known, now: number): readonly Place[] {
  if (!up.has(watcher.state)) return [];
  const { max_retry } = settings;
  const { retries } = watcher.keeper.slots;
  return [...places].flatMap(([wid, ends]) => {
    const retry = retries.find((one) => one.wid === wid);
    const runs = watcher.processes.some((process) => process.wid === wid && !process.stopping);
    if (ends.tries === 0 || !(retry || runs)) return [];
    const left = max_retry < 0 ? null : Math.max(0, max_retry - ends.tries);
    const half_open = isSpent(ends, settings);
    return { wid, tries: ends.tries, left, half_open, in: retry ? Math.max(0, retry.at - now) / 1000 : null };
  });
}

/** A few words beside the state: `2 of 5 left, next try in 8 s`; undefined when all is well. */
export function mark(watcher: Watcher, known: Known, now: number): string | undefined {
  const places = placesOf(watcher, known, now);
  const [worst] = places.toSorted((a, b) => b.tries - a.tries);
  if (!worst) return known.braked ? 'restart waits for its turn' : successWord(watcher);
  const next = Math.min(...places.map((place) => place.in ?? Infinity));
  const words = [
    ...(worst.half_open
      ? ['half-open']
      : worst.left === null
        ? []
        : [`${worst.left} of ${known.settings.max_retry} left`]),
    ...(next < Infinity ? [`next try in ${next < 120 ? `${Math.ceil(next)} s` : inWords(next)}`] : []),
  ];
  return words.length === 0 ? undefined : words.join(', ');
}

/** Whether what runs once was a success, where somebody said what is one. */
function successWord({ state, spec, history }: Watcher): 'success' | 'failure' | undefined {
  const exit = history.at(-1)?.exit;
  const isTold = state === 'completed' && !spec.respawn && spec.options['success_exit_codes'] !== undefined;
  if (!isTold || !exit) return undefined;
  return endedWell(spec.options, exit) ? 'success' : 'failure';
}

/** The budget of each place, and by which rule something is not restarted; undefined for a watcher with none of this. */
export function explain(watcher: Watcher, known: Known, now: number): Explanation | undefined {
  const { settings, braked } = known;
  const { policy, max_retry, active } = settings;
  const places = placesOf(watcher, known, now);
  const text = [
    ...places.slice(0, mostTold).map((place) => placeSentence(place, settings)),
    ...(places.length > mostTold
      ? [`The tries of the other ${places.length - mostTold} places are left out here.`]
      : []),
    ...(braked ? ['Its next start waits for its turn: restarts_per_second limits those of all watchers.'] : []),
    ...endSentences(watcher),
  ];
  if (text.length === 0 && !active) return undefined;
  const success = successWord(watcher);
  const facts = {
    policy,
    max_retry,
    places,
    braked,
    ...(success === undefined ? {} : { success: success === 'success' }),
  };
  return { facts: { flapping: facts }, text };
}

function placeSentence({ wid, tries, left, half_open }: Place, settings: Settings): string {
  if (left === null) return `Place ${wid} has been tried ${tries} times in a row, and there is no limit.`;
  const later = settings.policy === 'backoff' && settings.atLast === 'retry_later';
  const every = later ? inWords(Math.max(settings.retry_later, settings.stable) / 1000) : '';
  if (half_open)
    return `Place ${wid} is half-open, its ${settings.max_retry} tries are used up: one place of the watcher is tried every ${every}.`;
  return `Place ${wid} has ${left} of ${settings.max_retry} tries left, ${later ? `then one is made every ${every}` : 'then it gives up'}.`;
}

const successSentences = {
  success: 'That end is a success.',
  failure: 'That end is a failure: it is neither code 0 nor one of success_exit_codes.',
};

function endSentences(watcher: Watcher): readonly string[] {
  const { state, spec, history } = watcher;
  const word = successWord(watcher);
  if (word !== undefined) return [successSentences[word]];
  const exit = history.at(-1)?.exit;
  if (state !== 'completed' || !spec.respawn || !exit) return [];
  const isLast = isAmong(readEndings(spec.options['no_restart_exit_codes']), exit);
  return isLast ? ['It is not restarted after that end, as no_restart_exit_codes says.'] : [];
}
