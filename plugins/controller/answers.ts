/** What other plugins know about something, each asked in turn. */
import { CircusError, type Fault } from '#core';

/** How such a question is called in faults, and which answers there are. */
interface Question {
  readonly called: string;
  readonly valid: (answer: unknown) => boolean;
}

const isText = (value: unknown) => typeof value === 'string';
const isTexts = (value: unknown) => Array.isArray(value) && value.every(isText);

/** True for fields that can be sent. */
function isFields(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  try {
    return JSON.stringify(value) !== undefined;
  } catch {
    return false;
  }
}

/** The questions that plugins answer. */
export const questions = {
  explanation: {
    called: 'addExplanation',
    valid: (answer) => {
      const { facts, text } = Object(answer) as Readonly<Record<string, unknown>>;
      return isFields(facts) && isTexts(text);
    },
  },
  notes: { called: 'addNotes', valid: isTexts },
  mark: { called: 'addMark', valid: isText },
  memoryCounter: { called: 'addMemoryCounter', valid: isText },
  continuation: { called: 'addContinuation', valid: (answer) => answer === true },
} as const satisfies Readonly<Record<string, Question>>;

const inWords = (answer: unknown): string => {
  if (answer instanceof Promise) return 'a promise';
  try {
    return (JSON.stringify(answer) ?? typeof answer).slice(0, 80);
  } catch {
    return typeof answer;
  }
};

/** Functions that answer a question, or have no answer. */
export class Answers<Subject extends { readonly name: string } | { readonly watcher: string }, Answer> {
  readonly #all = new Map<object, { readonly plugin: string; readonly answer: (subject: Subject) => unknown }>();
  readonly #question: Question;
  readonly #report: (fault: Fault) => void;

  /** `report` hears of answers that are none, and of functions that fail. */
  constructor(question: Question, report: (fault: Fault) => void) {
    this.#question = question;
    this.#report = report;
  }

  /**
   * Adds one until the returned function is called; its faults are those of `by`, as in `plugin NAME`.
   * @throws TypeError for anything else
   */
  add(answer: (subject: Subject) => Answer | undefined, by = 'plugin controller'): () => void {
    if (typeof answer !== 'function' || typeof by !== 'string')
      throw new TypeError(`${this.#question.called} takes a function, and the "by" of the context`);
    const key = {};
    this.#all.set(key, { plugin: by.replace(/^plugin /, ''), answer });
    return () => void this.#all.delete(key);
  }

  /** All answers about something; one that fails, or is not what was asked for, is a fault and none. */
  about(subject: Subject): readonly Answer[] {
    if (this.#all.size === 0) return [];
    return [...this.#all.values()].flatMap(({ plugin, answer }) => {
      const { called, valid } = this.#question;
      const watcher = 'watcher' in subject ? subject.watcher : subject.name;
      const report = (error: unknown) => this.#report({ plugin, hook: called, watcher, error });
      try {
        const given = answer(subject) ?? undefined;
        if (given === undefined) return [];
        if (valid(given)) return [given as Answer];
        report(new CircusError('ERR_PLUGIN_ANSWER', [plugin, called, inWords(given), 'is ignored']));
        // Nobody waits for it, and what it rejects with is not to be nobody's.
        if (given instanceof Promise) given.catch(report);
      } catch (error) {
        report(error);
      }
      return [];
    });
  }
}
