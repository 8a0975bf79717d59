/** What other plugins know about something, each asked in turn. */

/** Functions that answer a question, or have no answer. */
export class Answers<Subject, Answer> {
  readonly #all = new Set<(subject: Subject) => Answer | undefined>();

  /** Adds one until the returned function is called. */
  add(answer: (subject: Subject) => Answer | undefined): () => void {
    this.#all.add(answer);
    return () => void this.#all.delete(answer);
  }

  /** All answers about something; one that fails is none. */
  about(subject: Subject): readonly Answer[] {
    return [...this.#all].flatMap((answer) => {
      try {
        return answer(subject) ?? [];
      } catch {
        return [];
      }
    });
  }
}
