/** Replacements that plugins ask for: another process is ready before the old one is asked to stop. */
import type { Operation, OperationState, PluginContext, Process, Watcher } from '#core';

/** The replacements that one plugin has under way. */
export class Replacements {
  readonly #context: Pick<PluginContext, 'arbiter' | 'log' | 'by'>;
  readonly #operations = new Set<Operation>();

  constructor(context: Pick<PluginContext, 'arbiter' | 'log' | 'by'>) {
    this.#context = context;
  }

  /**
   * Has a process replaced; `why` is told as the reason of its end. Resolves with how that ended, also where there was
   * nothing to do; a failure is in the log.
   */
  async replace(process: Process, watcher: Watcher, why: string): Promise<OperationState> {
    const { arbiter, log, by } = this.#context;
    // What was taken out is nobody's any more.
    if (arbiter.stopping || arbiter.find(watcher.name) !== watcher) return 'cancelled';
    const operation = watcher.replace(process, why, by);
    this.#operations.add(operation);
    await operation.result.catch(() => undefined);
    this.#operations.delete(operation);
    if (operation.state === 'failed')
      log.warn(`${watcher.name}: process ${process.pid} could not be replaced (${why}): ${operation.reason}`);
    return operation.state;
  }

  /** Ends those that are under way: what they would have replaced stays. */
  close(): void {
    for (const operation of this.#operations) operation.cancel(this.#context.by);
  }
}
