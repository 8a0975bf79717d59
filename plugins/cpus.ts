/** A number of processes that follows the machine. */
import { availableParallelism } from 'node:os';

/** The number that `cpus` or `cpus-1` means on this machine, at least 1; undefined for any other text. */
export function processesOf(text: string): number | undefined {
  const cpus = /^cpus(?:\s*-\s*(\d+))?$/i.exec(text.trim());
  return cpus ? Math.max(1, availableParallelism() - Number(cpus[1] ?? 0)) : undefined;
}
