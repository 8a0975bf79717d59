/** What health tells other plugins. */
import { service, type Process } from '#core';

/** The health of processes as other plugins see it. */
export interface HealthService {
  /**
   * What keeps a process from being ready, as a phrase such as `tcp 5432 takes no connection`, and the wall time in ms at
   * which that was found; undefined when nothing does, or nobody has looked.
   */
  objection(process: Process): { readonly how: string; readonly at: number } | undefined;
}

export const Health = service<HealthService>('health');
