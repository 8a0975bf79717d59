/** The guard around every tap: a plugin's fault becomes a fault report and a neutral answer, and never the kernel's. */
import type { Clock } from './clock.js';
import { CircusError, reasonOf } from './errors.js';
import type { Scope } from './scope.js';

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
export const isText = (value: unknown): value is string => typeof value === 'string';

/** A plugin's failure, contained: what it did in which hook. */
export interface Fault {
  readonly plugin: string;
  readonly hook: string;
  /** The name of the watcher that it was about. */
  readonly watcher?: string | undefined;
  readonly error: unknown;
}

/** A question that was answered with no: by which plugin, and why; `error` is there if it failed rather than objected. */
export class Refusal {
  readonly plugin: string;
  readonly reason: string | undefined;
  readonly error: unknown;

  constructor(plugin: string, reason?: string, error?: unknown) {
    this.plugin = plugin;
    this.reason = reason;
    this.error = error;
  }

  toString(): string {
    return this.reason === undefined ? this.plugin : `${this.plugin} (${this.reason})`;
  }
}

/** No, to a question that may be refused, perhaps with the reason. */
export type Veto = false | { readonly refuse: string };
export const isVeto = (answer: unknown): answer is Veto =>
  answer === false || (isRecord(answer) && isText(answer['refuse']));

/** A plugin's function for a hook. */
export type Tap = (...args: never[]) => unknown;

/** Whose tap it is; lower stages come first; `deadline` in ms takes the place of the hook's own, where taps have one. */
export interface TapOptions {
  readonly name: string;
  readonly stage?: number;
  readonly deadline?: number;
}

/** What the guard needs to know of a hook. */
export interface GuardRow {
  readonly kind: 'notice' | 'change' | 'series' | 'bail' | 'asyncChange';
  /** What a plugin's failure answers: nothing, a refusal, or nothing and no word about it. */
  readonly onFault: 'ignore' | 'refuse' | 'drop';
  /** How long a tap may take to answer, in ms; a synchronous tap is only measured. */
  readonly deadline: number;
  readonly valid: (answer: unknown) => boolean;
}

/** A synchronous tap that takes longer than this many ms is counted; longer than the second, told as a fault. */
const slow = { counted: 5, told: 200 };

/** How often each plugin kept a synchronous hook waiting for more than 5 ms. */
export const slowTaps = new Map<string, number>();

/** A promise of any library or realm. */
const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  isRecord(value) && typeof value['then'] === 'function';

/** The watcher that a hook is about, as its arguments tell: a process, an operation, a watcher or the spec of one. */
const subjectOf = (args: readonly unknown[]): string | undefined =>
  args.map((arg) => isRecord(arg) && (arg['watcher'] ?? arg['name'])).find(isText);

/** The answer; a rejection with `late` after `deadline` ms; undefined as soon as the plugin is closed. */
function within(deadline: number, answer: unknown, closed: AbortSignal, clock: Clock, late: () => unknown): unknown {
  if (!isPromise(answer)) return answer;
  return new Promise((resolve, reject) => {
    const settle = (how: () => void) => {
      cancel?.();
      closed.removeEventListener('abort', silence);
      how();
    };
    const silence = () => settle(() => resolve(undefined));
    const cancel = deadline < Infinity ? clock.after(deadline, () => settle(() => reject(late()))) : undefined;
    closed.addEventListener('abort', silence);
    Promise.resolve(answer).then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error)),
    );
  });
}

/** What there is to see, or `otherwise`: an answer may throw when it is looked at. */
function look<T>(at: () => T, otherwise: T): T {
  try {
    return at();
  } catch {
    return otherwise;
  }
}

/**
 * Wraps a tap so that whatever it does is either an answer of this hook, or a fault: told to `report`, and answered as
 * the catalogue says. A tap whose plugin was closed is silent.
 */
export function guard(
  name: string,
  { onFault, deadline, valid, kind }: GuardRow,
  { owner: scope, fn }: { readonly owner: Scope; readonly fn: Tap },
  clock: Clock,
  report: (fault: Fault) => void,
): Tap {
  const isAsync = kind !== 'notice' && kind !== 'change';
  const plugin = scope.owner;
  const call = fn as (...args: unknown[]) => unknown;

  const tell = (error: unknown, args: readonly unknown[]) => {
    if (onFault !== 'drop') report({ plugin, hook: name, watcher: subjectOf(args), error });
  };
  const failed = (error: unknown, args: readonly unknown[]): unknown => {
    tell(error, args);
    if (onFault !== 'refuse') return undefined;
    const refusal = new Refusal(plugin, reasonOf(error), error);
    if (kind === 'bail') return refusal;
    throw new CircusError('ERR_HOOK_REFUSED', [name, `${refusal}`], { cause: error });
  };
  const judged = (answer: unknown, args: readonly unknown[]): unknown => {
    if (kind === 'notice' || kind === 'series') return undefined;
    if (!look(() => valid(answer), false)) {
      const words = look(() => (JSON.stringify(answer) ?? typeof answer).slice(0, 80), typeof answer);
      const effect = onFault === 'refuse' ? 'counts as a refusal' : 'is ignored';
      return failed(new CircusError('ERR_PLUGIN_ANSWER', [plugin, name, words, effect]), args);
    }
    if (kind === 'bail' && answer === 'stop') return new Refusal(plugin);
    return kind === 'bail' && isVeto(answer) ? new Refusal(plugin, answer ? answer.refuse : undefined) : answer;
  };
  const late = () => new CircusError('ERR_PLUGIN_TIMEOUT', [plugin, name, deadline]);

  if (isAsync) {
    return async (...args: unknown[]) => {
      if (!scope.active) return undefined;
      let answer: unknown;
      try {
        answer = await within(deadline, call(...args), scope.signal, clock, late);
      } catch (error) {
        return scope.active ? failed(error, args) : undefined;
      }
      return judged(answer, args);
    };
  }
  return (...args: unknown[]) => {
    if (!scope.active) return undefined;
    const begun = performance.now();
    let answer: unknown;
    try {
      answer = call(...args);
    } catch (error) {
      return failed(error, args);
    }
    const took = performance.now() - begun;
    if (took > slow.counted) slowTaps.set(plugin, (slowTaps.get(plugin) ?? 0) + 1);
    if (took > slow.told) tell(new CircusError('ERR_PLUGIN_TIMEOUT', [plugin, name, slow.told]), args);
    if (!isPromise(answer)) return judged(answer, args);
    // Nobody waits for a promise here: a rejection is still the plugin's fault, and where a value was asked it is none.
    Promise.resolve(answer).then(undefined, (error: unknown) => tell(error, args));
    return judged(kind === 'change' ? answer : undefined, args);
  };
}
