/** Commands that tell what happened, and why things are as they are. */
import type { Watcher } from '#core';
import * as v from 'valibot';
import { didYouMean } from '../../nearest.js';
import { defineCommand, described, name, nameWord, object, pid, type Command } from '../command.js';
import { endInWords, explain } from '../explain.js';
import type { End } from '../history.js';
import { named } from '../match.js';
import { quoted, RequestError } from '../protocol.js';
import { integer } from '../../schema.js';
import { isSelector } from '../../selector.js';
import { meant } from '../several.js';

/** In one reply, which waits in memory until it is read. */
const mostEvents = 1000;

/** A whole number in these bounds. */
const count = (property: string, most = Number.MAX_SAFE_INTEGER) =>
  v.pipe(
    integer(() => `'${property}' is not a whole number`),
    v.check((value) => value >= 0, `'${property}' is below 0`),
    v.check((value) => value <= most, `'${property}' is above ${most}`),
  );

/** The process of a watcher that a person means. @throws RequestError with what became of it, or the nearest pid */
function processOf(watcher: Watcher, pid: number, ends: readonly End[]) {
  const process = watcher.processes.find((one) => one.pid === pid);
  if (process) return process;
  const end = ends.findLast((one) => one.pid === pid);
  const pids = watcher.processes.map((one) => String(one.pid));
  const more = end ? `: it ended, ${endInWords(end)}` : didYouMean(String(pid), pids);
  throw new RequestError(3, `process ${pid} not found in ${quoted(watcher.name)}${more}`);
}

/** The commands that explain. */
export const insight: readonly Command[] = [
  defineCommand({
    name: 'events',
    summary: 'tell what was published, from a number on',
    role: 'view',
    wide: true,
    properties: object({
      since: v.optional(described(count('since'), 'the number of the last event that is known'), 0),
      boot: v.optional(v.string("'boot' is a text")),
      watcher: v.optional(v.string("'watcher' is a text")),
      limit: v.optional(count('limit', mostEvents), 1000),
    }),
    words: [],
    flags: [
      { name: 'since', kind: 'integer', summary: 'the number of the last event that is known' },
      { name: 'boot', kind: 'text', summary: 'the run of the daemon in which it had that number' },
      {
        name: 'watcher',
        kind: 'text',
        summary: 'only the events of this watcher, or of several, as NAME of other commands',
      },
      { name: 'limit', kind: 'integer', summary: 'how many at most, 1000 without it' },
    ],
    reply:
      'boot: this run; events: seq, topic and payload of each; next: the since to ask with then; last: the newest number; missed: how many after ' +
      'since are not kept any more, null when since is of another run; dropped: how many could not be sent to subscribers',
    run({ watcher, ...wish }, context) {
      const { arbiter, records } = context;
      const isSeveral = watcher !== undefined && isSelector(watcher) && !arbiter.find(watcher);
      const watchers = isSeveral ? meant(watcher, context) : watcher === undefined ? undefined : [watcher];
      const replay = records.events.replay({ ...wish, watchers });
      // What was taken out has events all the same.
      if (watcher !== undefined && !isSeveral && replay.events.length === 0) named(arbiter, watcher);
      return { ...replay };
    },
  }),
  defineCommand({
    name: 'history',
    summary: 'tell how the last processes of a watcher ended, and why',
    role: 'view',
    properties: object({ name: name() }),
    words: [nameWord],
    flags: [],
    reply: 'name, and exits, oldest first: time, pid, wid, code, signal, duration in seconds, reason and by',
    run({ name }, { arbiter, records }) {
      const watcher = named(arbiter, name);
      return { name: watcher.name, exits: records.history.of(watcher.name) };
    },
  }),
  defineCommand({
    name: 'explain',
    summary: 'tell why a watcher is in its state, and what happens next',
    role: 'view',
    properties: object({ name: name(), pid: v.optional(pid('pid')) }),
    words: [nameWord, { name: 'pid', kind: 'integer', summary: 'only this process of it' }],
    flags: [],
    reply:
      'state, since, reason, wanted, groups, labels, numprocesses, running, ready, operations, retries, last_exit; processes, each with its chain and ' +
      'command line; would_run: the same of a start, or its error, null while processes run; stop: its signals and means; what plugins ' +
      'add; text: all this as a few sentences',
    run({ name, pid }, { arbiter, records }) {
      const watcher = named(arbiter, name);
      const process = pid === undefined ? undefined : processOf(watcher, pid, records.history.of(watcher.name));
      return explain(arbiter, records, watcher, process);
    },
  }),
];
