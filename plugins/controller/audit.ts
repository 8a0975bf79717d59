/** What the log has of requests: a line for every change, with the endpoint, what, and how it ended; and odd messages. */
import type { Log } from '#core';
import { plain } from '../plain.js';
import type { Asker } from './asker.js';
import type { Job } from './jobs.js';

/** Hears of requests that would change something. */
export interface Audit {
  /** One is over. */
  over(asker: Asker, job: Job, properties: unknown): void;
  /** One was not even begun, as the endpoint is not for it. */
  refused(asker: Asker, command: string): void;
}

/** How many refusals of a second are told: whoever may only look must not fill the disk. */
const refusalsTold = 5;

const longestName = 100;
const mostKeys = 20;

/** Texts of a client, without what would forge lines or move a terminal's cursor. */
const shown = (text: string) =>
  plain(JSON.stringify(text.length > longestName ? `${text.slice(0, longestName)}...` : text));

/** The names of the options that it sets: their values may be secrets. */
function optionsIn(properties: unknown): string {
  const { options } = (properties ?? {}) as { readonly options?: unknown };
  const keys = typeof options === 'object' && options !== null ? Object.keys(options) : [];
  if (keys.length === 0) return '';
  const names = keys.slice(0, mostKeys).map((key) => key.replace(/[^\w.-]/g, '?').slice(0, longestName));
  return ` (${[...names, ...(keys.length > mostKeys ? ['...'] : [])].join(', ')})`;
}

/** Writes those lines. */
export function auditTo(log: Log): Audit {
  const asked = ({ name, proven }: Asker) => (proven === undefined ? name : `${name} (${proven})`);
  let second = 0;
  let refusals = 0;
  return {
    over(asker, job, properties) {
      const { id, command, named, watchers, state, reason } = job;
      const about = named === undefined ? '' : ` ${shown(named)}`;
      const end = reason === undefined ? state : `${state}: ${plain(reason)}`;
      const facts = {
        audit: true,
        endpoint: asker.name,
        proven: asker.proven,
        job: id,
        command,
        watchers,
        result: state,
      };
      log[state === 'failed' ? 'warn' : 'info'](
        `${asked(asker)}: ${command}${about}${optionsIn(properties)}: ${end}`,
        facts,
      );
    },
    refused(asker, command) {
      const now = Math.floor(Date.now() / 1000);
      if (now !== second) [second, refusals] = [now, 0];
      if (++refusals > refusalsTold) return;
      const facts = { audit: true, endpoint: asker.name, proven: asker.proven, command, result: 'refused' };
      log.warn(`${asked(asker)}: ${command}: refused, as its role or watchers do not allow it`, facts);
    },
  };
}

/** Warns of messages that are no requests, once a second at most: whoever may only look must not fill the disk. */
export function oddMessages(log: Log): (frames: number) => void {
  let told = -Infinity;
  return (frames) => {
    if (performance.now() - told < 1000) return;
    told = performance.now();
    log.warn(`got a message of ${frames} frames; a request is one`);
  };
}
