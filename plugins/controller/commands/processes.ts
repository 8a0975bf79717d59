/** Commands about the number of processes, and signals to them. */
import { childrenOf, send, type Process, type Watcher } from '#core';
import * as v from 'valibot';
import {
  anything,
  defineCommand,
  described,
  name,
  nameWord,
  object,
  pid,
  truth,
  waiting,
  waitingFlag,
  type Argument,
  type Command,
} from '../command.js';
import { named } from '../match.js';
import { lastSignal, mostProcesses } from '../option-check.js';
import { RequestError } from '../protocol.js';
import { number } from '../../schema.js';
import { SIGKILL, signalNumber } from '../../signal.js';

const pidWord: Argument = { name: 'pid', kind: 'integer', summary: 'one process of it' };

/** A signal from what a client sent. @throws RequestError */
function readSignal(value: unknown): number {
  const number = signalNumber(value);
  if (number !== undefined) return number;
  if (typeof value === 'string' && !/^[a-z]/i.test(value.trim())) throw new RequestError(3, 'signal invalid');
  throw new RequestError(5, `${JSON.stringify(value)} is not a signal`);
}

/** Refuses what the system would refuse. @throws RequestError */
function checkSignal(signal: number): number {
  if (signal < 0 || signal > lastSignal) throw new RequestError(4, '[Errno 22] Invalid argument');
  return signal;
}

/** The living descendants of a process, parents first. */
const familyOf = (parent: number): number[] => childrenOf(parent).flatMap((child) => [child, ...familyOf(child)]);

const resize = (command: 'incr' | 'decr', sign: 1 | -1, summary: string) =>
  defineCommand({
    name: command,
    summary,
    role: 'operate',
    properties: object({
      name: name(),
      nb: v.optional(anything('how many; a negative number does the opposite'), 1),
      waiting: waiting(),
    }),
    words: [nameWord, { name: 'nb', kind: 'integer', summary: 'how many, 1 without it' }],
    flags: [waitingFlag],
    reply: 'numprocesses: the new number; singleton, when it is one and nothing changes',
    run({ name, nb }, { arbiter, by }) {
      const watcher = named(arbiter, name);
      const { numprocesses, singleton } = watcher.spec;
      if (singleton) return { numprocesses, singleton: true };
      const work = async () => {
        if (typeof nb !== 'number' || !Number.isInteger(nb)) throw new RequestError(6, `'nb' is not a whole number`);
        const goal = numprocesses + sign * nb;
        if (goal > mostProcesses) throw new RequestError(6, `'numprocesses' would be more than ${mostProcesses}`);
        await watcher.resize(goal, by).result;
        return { numprocesses: watcher.spec.numprocesses };
      };
      return work();
    },
  });

/** The processes of a watcher, or the one with this pid; none when it has no such process. */
const chosen = (watcher: Watcher, id: number | undefined): readonly Process[] =>
  watcher.processes.filter((process) => id === undefined || process.pid === id);

/** Signals whom the properties name; Circus's order: one child, the children, the process with its descendants. */
function signalFamily(
  target: Process,
  signal: number,
  { childpid, children, recursive }: { childpid: number | undefined; children: boolean; recursive: boolean },
): void {
  if (childpid !== undefined) {
    if (!childrenOf(target.pid).includes(childpid))
      throw new RequestError(5, `process no longer exists (pid=${childpid})`);
    send(childpid, signal);
  } else if (children) {
    for (const child of childrenOf(target.pid)) send(child, signal);
  } else {
    const family = recursive ? familyOf(target.pid) : [];
    void target.signal(signal);
    for (const member of family) send(member, signal);
  }
}

/** The commands about the number of processes, and signals to them. */
export const processes: readonly Command[] = [
  resize('incr', 1, 'add processes'),
  resize('decr', -1, 'take processes away, the oldest first'),
  defineCommand({
    name: 'signal',
    summary: 'send a signal',
    role: 'operate',
    properties: object({
      name: name(),
      signum: anything('number or name of the signal'),
      pid: v.optional(pid('pid')),
      childpid: v.optional(described(pid('childpid'), 'only this child of `pid`')),
      child_pid: v.optional(described(pid('child_pid'), 'the same, as Circus documents it')),
      children: truth(false, 'only the direct children'),
      recursive: truth(false, 'all descendants too'),
    }),
    words: [
      nameWord,
      pidWord,
      { name: 'signum', kind: 'text', required: true, summary: 'number or name of the signal' },
    ],
    flags: [
      { name: 'children', kind: 'flag', summary: 'only the direct children' },
      { name: 'recursive', kind: 'flag', summary: 'all descendants too' },
    ],
    reply: 'nothing more',
    run({ name, signum, pid, childpid, child_pid, children, recursive }, { arbiter, by, records }) {
      if (signum === undefined) throw new RequestError(3, "message invalid 'signum' is missing");
      const watcher = named(arbiter, name);
      const signal = checkSignal(readSignal(signum));
      const child = childpid ?? child_pid;
      if (child !== undefined && pid === undefined) throw new RequestError(5, 'cannot specify childpid without pid');
      const targets = chosen(watcher, pid);
      const deep = Boolean(children) || Boolean(recursive);
      if (targets.length === 0 && pid !== undefined && (deep || child !== undefined))
        throw new RequestError(5, `process ${pid} not found in '${name}'`);
      for (const target of targets) {
        if (child === undefined && !children) records.history.signalled(target, signal, by);
        signalFamily(target, signal, { childpid: child, children: Boolean(children), recursive: Boolean(recursive) });
      }
      return {};
    },
  }),
  defineCommand({
    name: 'kill',
    summary: 'stop processes, which are replaced',
    role: 'operate',
    properties: object({
      name: name(),
      pid: v.optional(pid('pid')),
      signum: v.optional(anything('in place of the stop signal')),
      graceful_timeout: v.optional(number()),
      waiting: waiting(),
    }),
    words: [nameWord, pidWord],
    flags: [
      { name: 'signum', kind: 'text', summary: 'in place of the stop signal' },
      { name: 'graceful_timeout', kind: 'number', summary: 'seconds until SIGKILL' },
      waitingFlag,
    ],
    reply: 'nothing more',
    run({ name, pid, signum, graceful_timeout }, { arbiter, by }) {
      const signal = signum === undefined ? undefined : checkSignal(readSignal(signum));
      const work = async () => {
        const watcher = arbiter.find(name);
        // Circus looks the name up when the answer is already out, and its clients know no other.
        if (!watcher) throw new RequestError(6, 'server error');
        const grace = signal === SIGKILL ? 0 : graceful_timeout === undefined ? undefined : graceful_timeout * 1000;
        await watcher.kill(chosen(watcher, pid), {
          by,
          ...(signal === undefined ? {} : { signal }),
          ...(grace === undefined ? {} : { grace }),
        });
        return {};
      };
      return work();
    },
  }),
];
