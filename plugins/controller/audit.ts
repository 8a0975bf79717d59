/** A line in the log for every change that was asked for: by which endpoint, what, and how it ended. */
import type { Log } from '#core';
import type { Asker } from './asker.js';
import type { Job } from './jobs.js';

/** Hears of a request that would change something, when it is over. */
export type Audit = (asker: Asker, job: Job, properties: unknown) => void;

const longestName = 100;

/** Texts of a client, without what would forge lines or move a terminal's cursor. */
const shown = (text: string) => JSON.stringify(text.length > longestName ? `${text.slice(0, longestName)}...` : text);

/** The names of the options that it sets: their values may be secrets. */
function optionsIn(properties: unknown): string {
  const { options } = (properties ?? {}) as { readonly options?: unknown };
  const keys = typeof options === 'object' && options !== null ? Object.keys(options) : [];
  return keys.length > 0
    ? ` (${keys.map((key) => key.replace(/[^\w.-]/g, '?').slice(0, longestName)).join(', ')})`
    : '';
}

/** Writes those lines. */
export function auditTo(log: Log): Audit {
  return ({ name, proven }, job, properties) => {
    const { id, command, watchers, state, reason } = job;
    const about = job.named === undefined ? '' : ` ${shown(job.named)}`;
    const who = proven === undefined ? name : `${name} (${proven})`;
    const end = reason === undefined ? state : `${state}: ${reason.replace(/\p{Cc}/gu, ' ')}`;
    const facts = { audit: true, endpoint: name, proven, job: id, command, watchers, result: state };
    log[state === 'failed' ? 'warn' : 'info'](`${who}: ${command}${about}${optionsIn(properties)}: ${end}`, facts);
  };
}
