/** The answer to the kernel's question whether a process is ready. */
import { abortable, sleep, type Arbiter, type PluginContext, type Process, type Watcher } from '#core';
import type { Probe } from '../ask.js';
import { inodeOf, lookAt, type Sight, type Sought } from './listening.js';
import { probesOf } from './probe.js';
import type { Channel, HealthRecord, Records } from './records.js';
import { untilGood, type Turns } from './schedule.js';

/** What asking needs to know. */
export interface Tools {
  readonly arbiter: Arbiter;
  readonly records: Records;
  readonly run: PluginContext['run'];
  /** For looks at processes, which hold up everything else. */
  readonly turns: Turns;
}

/** What the kernel is told: it is ready; it is not, and why; or nobody here has an opinion. */
type Answer = true | { readonly refuse: string } | undefined;

const listen = 'ready.listen';

/**
 * Pauses between looks, at most, in ms. One costs less than a millisecond, so nobody who waits need wait for a whole
 * interval; when nobody waits any more, a program that never accepts must not keep us awake.
 */
const looks = { awaited: 100, forgotten: 10_000 };

/** How long a copy must live that isn't seen to accept, where others are only seen busy with clients; in ms. */
const busyTime = 10_000;

const treeOf = (process: Process) => [process.pid, ...process.descendants()];

/** The sockets that count as those of a process. */
function soughtBy({ spec }: Process, arbiter: Arbiter): Sought {
  const fds = Object.values(spec.files).flatMap((file) =>
    typeof file === 'object' && 'descriptor' in file ? file.descriptor : [],
  );
  const inodes = (all: readonly number[]) => new Set(all.flatMap((fd) => inodeOf(fd) ?? []));
  return { inherited: inodes(fds), owned: inodes([...arbiter.sockets.values()].map(({ fd }) => fd)) };
}

/** True while somebody waits for a successor: it must not be taken for ready before it is. */
const isReplacing = (watcher: Watcher, arbiter: Arbiter) =>
  [...arbiter.operations.values()].some(
    ({ watcher: name, state, kind }) =>
      name === watcher.name && state === 'running' && !['start', 'restart', 'resize'].includes(kind),
  );

/** How a channel says it, and how it has not. */
const channels: Readonly<Record<Channel, readonly [string, string]>> = {
  log: ['has written it', 'has not written it'],
  notify: ['has sent READY=1', 'has not sent READY=1'],
  fd: ['has written a newline', 'has not written a newline'],
  ipc: ["has sent 'ready'", "has not sent 'ready'"],
};

const inSeconds = (ms: number) => `${ms / 1000} s`;

/** The findings of one kind as one phrase. */
export const wordsOf = ({ findings }: HealthRecord, met: boolean): string =>
  [...findings].flatMap(([key, finding]) => (finding.met === met ? `${key}: it ${finding.how}` : [])).join('; ');

/** One question about one process. */
export class Question {
  readonly #process: Process;
  readonly #watcher: Watcher;
  readonly #record: HealthRecord;
  readonly #tools: Tools;
  #answer: (answer: Answer) => void = () => undefined;
  #isAnswered = false;

  constructor(process: Process, watcher: Watcher, tools: Tools) {
    this.#process = process;
    this.#watcher = watcher;
    this.#record = tools.records.of(process);
    this.#tools = tools;
  }

  /** Resolves with the answer. What is not ready in time is waited for all the same, and told when it is. */
  async ask(): Promise<Answer> {
    const { life, settings } = this.#record;
    const conditions = [...this.#conditions()];
    if (conditions.length === 0) return undefined;
    const answered = new Promise<Answer>((resolve) => (this.#answer = resolve));
    // What rejects has ended, or the plugin closes: nobody listens then.
    const met = Promise.all(conditions.map((condition) => abortable(condition(), life.signal))).then(
      () => true as const,
      () => undefined,
    );
    void met.then(this.#answer);
    const { timeout } = settings.ready;
    const cancel = this.#tools.arbiter.clock.after(Math.max(0, timeout - this.#process.age), () =>
      this.#refuse(`${wordsOf(this.#record, false)}, for ${inSeconds(timeout)}`),
    );
    const answer = await answered;
    this.#isAnswered = true;
    cancel();
    if (answer !== true) void met.then((late) => late && this.#process.become('ready'));
    return answer;
  }

  *#conditions(): Iterable<() => Promise<void>> {
    const { arbiter, run } = this.#tools;
    const record = this.#record;
    const { ready } = record.settings;
    for (const [name, probe] of probesOf(ready, this.#process, run, ready.probe_timeout))
      yield () => this.#until(`ready.${name}`, 'passes', 'was not asked yet', this.#polling(`ready.${name}`, probe));
    for (const channel of ['log', 'notify', 'fd', 'ipc'] as const)
      if (ready[channel] !== undefined && ready[channel] !== false)
        yield () => this.#until(`ready.${channel}`, ...channels[channel], record.heard(channel));
    const { delay } = ready;
    if (delay !== undefined) {
      const rest = () => sleep(arbiter.clock, delay - this.#process.age, record.life.signal);
      const lived = `lived ${inSeconds(delay)}`;
      yield () => this.#until('ready.delay', `has ${lived}`, `has not ${lived}`, rest());
    }
    const sought = ready.listen === false ? undefined : soughtBy(this.#process, arbiter);
    // Who asks for it waits for a port of its own, where nothing is inherited.
    if (sought && (ready.listen === true || sought.inherited.size > 0)) yield () => this.#listening(sought);
  }

  /** Waits for one condition, and keeps what is known of it. */
  async #until(key: string, how: string, howNot: string, met: Promise<void>): Promise<void> {
    this.#find(key, false, howNot);
    await met;
    this.#find(key, true, how);
  }

  #find(key: string, met: boolean, how: string): void {
    this.#record.findings.set(key, { met, how, at: this.#tools.arbiter.clock.now() });
  }

  async #listening(sought: Sought): Promise<void> {
    const { ready } = this.#record.settings;
    let how = '';
    const probe = this.#look(sought, (words) => {
      how = words;
      return undefined;
    });
    const interval = () =>
      this.#isAnswered ? Math.max(looks.forgotten, ready.interval) : Math.min(looks.awaited, ready.interval);
    this.#find(listen, false, 'was not looked at yet');
    await this.#polling(listen, probe, interval);
    this.#find(listen, true, how);
  }

  #polling(key: string, probe: Probe, interval = () => this.#record.settings.ready.interval): Promise<void> {
    const { settings, life } = this.#record;
    const { initial_delay, jitter, probe_timeout, success_threshold, failure_threshold } = settings.ready;
    const pace = {
      initial_delay: Math.max(0, initial_delay - this.#process.age),
      interval,
      jitter,
      patience: probe_timeout,
      successes: success_threshold,
      failures: failure_threshold,
    };
    return untilGood(probe, pace, this.#tools.arbiter.clock, life.signal, {
      objection: (how) => how !== undefined && this.#find(key, false, how),
      failed: (how) => this.#refuse(`${key}: it ${how}`),
    });
  }

  #refuse(refuse: string): void {
    this.#answer({ refuse });
  }

  /** A look at the process; `found` is told by which rule it counts as ready. */
  #look(sought: Sought, found: (how: string) => undefined): Probe {
    const { listen: asked, settle } = this.#record.settings.ready;
    const lived = `has lived ${inSeconds(settle)} (ready.settle)`;
    const longLived = `has lived ${inSeconds(busyTime)}`;
    const judge = (sight: Sight): string | undefined => {
      this.#record.see(sight);
      if (sight.sees === 'accepting' || sight.sees === 'busy') return found(sight.how);
      const replaces = asked === 'unasked' && isReplacing(this.#watcher, this.#tools.arbiter);
      // From the beginning: a single look may miss what they do.
      const others = replaces && sight.sees === 'idle' ? this.#lookAtOthers(sought, this.#process.age >= settle) : [];
      if (this.#process.age < settle) return sight.how;
      if (sight.sees === 'nothing') return found(`${sight.how}, which tells nothing, and ${lived}`);
      if (asked !== 'unasked') return sight.how;
      // Nobody said that its start is to wait for it.
      if (!replaces) this.#refuse(`${listen}: it ${sight.how}`);
      else if (others.some((sees) => sees === 'accepting' || sees === 'nothing')) return sight.how;
      // What was never seen waiting may have had no time for that, with all its clients.
      else if (!others.includes('busy')) return found(`${sight.how}, as others of the watcher don't, and ${lived}`);
      else if (this.#process.age >= busyTime)
        return found(`${sight.how}, as others are too busy to be seen, and ${longLived}`);
      return sight.how;
    };
    return async (signal) => {
      const look = () => lookAt(treeOf(this.#process), sought, this.#process.age >= settle);
      const sight = await this.#tools.turns.take(look, signal);
      return sight && judge(sight);
    };
  }

  /** The most that was ever seen of each other process of the watcher: where they wait for clients, this one must too. */
  #lookAtOthers(sought: Sought, thorough: boolean): readonly Sight['sees'][] {
    return this.#watcher.processes
      .filter((other) => other !== this.#process)
      .map((other) => {
        const record = this.#tools.records.of(other);
        if (record.sees === 'idle' || record.sees === 'busy') record.see(lookAt(treeOf(other), sought, thorough));
        return record.sees;
      });
  }
}
