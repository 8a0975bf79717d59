/** The keys `ready.*`, `alive.*` and `notify` as schemas; times come out in ms. */
import * as v from 'valibot';
import { boolean, integer, number, seconds } from '../schema.js';
import { actionOf, dumpOf, pattern, statuses } from './values.js';

const text = v.pipe(v.string(), v.trim(), v.minLength(1, 'nothing is written'));
const time = seconds('');
const some = v.pipe(time, v.minValue(1, 'it is no time at all'));
const count = v.pipe(integer(), v.minValue(1, 'it is at least 1'));
const part = v.pipe(number(), v.minValue(0, 'it is at least 0'), v.maxValue(1, 'it is at most 1'));

const probes = {
  http: v.optional(text),
  http_status: v.optional(statuses),
  http_body: v.optional(pattern),
  tcp: v.optional(text),
  exec: v.optional(text),
  initial_delay: v.optional(time, 0),
  success_threshold: v.optional(count, 1),
};

/** `ready.*`. */
export const readySchema = v.strictObject({
  ...probes,
  listen: v.optional(boolean()),
  log: v.optional(pattern),
  notify: v.optional(boolean()),
  // Those below are the standard ones, and from 64 on there are sockets.
  fd: v.optional(v.pipe(integer(), v.minValue(3, 'it is at least 3'), v.maxValue(63, 'it is at most 63'))),
  ipc: v.optional(boolean(), false),
  delay: v.optional(time),
  timeout: v.optional(some),
  interval: v.optional(some),
  probe_timeout: v.optional(some),
  settle: v.optional(time),
  failure_threshold: v.optional(count),
  jitter: v.optional(part, 0),
});

/** `alive.*`. */
export const aliveSchema = v.strictObject({
  ...probes,
  notify: v.optional(some),
  timeout: v.optional(some),
  interval: v.optional(some),
  failure_threshold: v.optional(count, 3),
  jitter: v.optional(part, 0.1),
  loop_lag: v.optional(v.pipe(time, v.minValue(10, 'it is less than 10 ms'))),
  action: v.optional(actionOf, 'replace'),
  action_timeout: v.optional(some, 30),
  dump: v.optional(dumpOf),
  dump_timeout: v.optional(some, 10),
});

/** Who may send notices: the process itself, all of its tree, or nobody. */
export const notifySchema = v.union(
  [
    v.picklist(['main', 'all']),
    v.pipe(
      boolean(),
      v.transform((on) => (on ? 'main' : undefined)),
    ),
  ],
  'it must be main, all or 0',
);
