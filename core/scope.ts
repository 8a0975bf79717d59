import { manyWaiters } from './clock.js';
import { CircusError } from './errors.js';

/** Gives back one thing that was acquired; may be asynchronous. */
export type Disposer = () => unknown;

/** Holds what a plugin acquired, and gives it back in reverse order, once, awaiting each. */
export class Scope {
  readonly owner: string;
  readonly #controller = manyWaiters();
  readonly #disposers: Disposer[] = [];
  #closing: Promise<readonly unknown[]> | undefined;

  constructor(owner: string) {
    this.owner = owner;
  }

  /** Aborted before anything is given back, so that what still runs goes quiet first. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get active(): boolean {
    return this.#closing === undefined;
  }

  /** Has `dispose` called when the scope closes. @throws ERR_SCOPE_CLOSED */
  defer(dispose: Disposer): void {
    if (!this.active) throw new CircusError('ERR_SCOPE_CLOSED', [this.owner]);
    this.#disposers.push(dispose);
  }

  /** Gives everything back; resolves with the errors met on the way. A second call gets the first one's promise. */
  close(): Promise<readonly unknown[]> {
    this.#closing ??= this.#dispose();
    return this.#closing;
  }

  async #dispose(): Promise<readonly unknown[]> {
    // The promise must be in #closing before the first listener of the signal runs.
    await Promise.resolve();
    this.#controller.abort(new CircusError('ERR_SCOPE_CLOSED', [this.owner]));
    const errors: unknown[] = [];
    for (const dispose of this.#disposers.splice(0).reverse()) {
      try {
        await dispose();
      } catch (error) {
        errors.push(error);
      }
    }
    return errors;
  }
}
