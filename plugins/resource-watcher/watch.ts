/** The look at the processes of one watcher, again and again, and what is done about one that uses too much. */
import { totalmem } from 'node:os';
import { childrenOf, send, type Arbiter, type Log, type PluginContext, type Process, type Watcher } from '#core';
import { runCommand } from '../exec.js';
import type { Replacements } from '../replacements.js';
import { exceeded, inWords, limitInWords, withSample, type History, type Limit, type Sample } from './limits.js';
import type { Settings } from './options.js';
import { groupOf, memoryOf, shareOf, useOf } from './samples.js';

/** What looking takes, and whom to tell. */
export interface Tools {
  readonly arbiter: Arbiter;
  readonly log: Log;
  readonly run: PluginContext['run'];
  readonly replacements: Replacements;
  /** The folder of the configuration. */
  readonly folder: string;
  readonly endpoint: string | undefined;
  /** Publishes an event of the watcher. */
  readonly publish: (watcher: string, event: string, facts: Readonly<Record<string, string | number>>) => void;
  /** Counts something for statsd. */
  readonly count: (watcher: string, what: string) => void;
  /** Makes a callback of a timer one whose failure is the plugin's fault. */
  readonly guard: PluginContext['guard'];
  /** Aborted when the plugin closes. */
  readonly signal: AbortSignal;
}

/** How the memory of a sample was found: what is resident, which may be too much; divided among sharers; of a group. */
export type Source = 'rss' | 'pss' | 'cgroup';

/** What is known of one process, or of a child that is looked after by itself. */
interface Subject {
  history: History;
  sample: Sample | undefined;
  source: Source;
  /** The last reading of processor time: seconds of it, and when, in ms. */
  read: { readonly seconds: number; readonly at: number } | undefined;
  group: { readonly path: string | undefined; readonly at: number } | undefined;
}

/** How long a look at where a process belongs is good for, in ms. */
const groupLife = 30_000;
/** The memory of the machine, in bytes. */
export const machine = totalmem();

const newSubject = (): Subject => ({
  history: new Map(),
  sample: undefined,
  source: 'rss',
  read: undefined,
  group: undefined,
});

/** One watcher. */
export class Watch {
  readonly settings: Settings;
  readonly #watcher: Watcher;
  readonly #tools: Tools;
  readonly #subjects = new WeakMap<Process, Subject>();
  readonly #children = new Map<number, Subject>();
  readonly #tick: () => void;
  #cancel: (() => void) | undefined;
  #busy = false;
  /** No replacement before this moment of the monotonic clock. */
  #rested = 0;

  constructor(watcher: Watcher, settings: Settings, tools: Tools) {
    this.#watcher = watcher;
    this.settings = settings;
    this.#tools = tools;
    this.#tick = tools.guard(() => this.#look());
  }

  /** Begins to look, where there is something to look at. */
  wake(): void {
    if (this.#watcher.processes.length > 0) this.#cancel ??= this.#arm();
  }

  /** Ends the looks. */
  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** What was found last about a process. */
  of(process: Process): Pick<Subject, 'history' | 'sample' | 'source'> | undefined {
    return this.#subjects.get(process);
  }

  #arm(): () => void {
    return this.#tools.arbiter.clock.after(this.settings.interval, () => {
      this.#cancel = undefined;
      this.wake();
      this.#tick();
    });
  }

  async #look(): Promise<void> {
    const { settings } = this;
    let acting: Promise<void> | undefined;
    // One whose start takes all it can get is not judged by that.
    const all = this.#watcher.processes.filter(
      ({ alive, stopping, state }) => alive && !stopping && state !== 'unready',
    );
    for (const process of all) {
      const found = this.#judge(this.#subjectOf(process), this.#membersOf(process));
      if (found && !this.#busy && this.#tools.arbiter.clock.monotonic() >= this.#rested)
        acting = this.#act(process, ...found);
    }
    if (settings.childSignal !== undefined) this.#lookAtChildren(all, settings.childSignal);
    await acting;
  }

  #lookAtChildren(processes: readonly Process[], signal: number): void {
    const children = new Set(processes.flatMap(({ pid }) => childrenOf(pid)));
    for (const pid of this.#children.keys()) if (!children.has(pid)) this.#children.delete(pid);
    for (const pid of children) this.#lookAtChild(pid, signal);
  }

  #subjectOf(process: Process): Subject {
    const subject = this.#subjects.get(process) ?? newSubject();
    this.#subjects.set(process, subject);
    return subject;
  }

  #membersOf(process: Process): readonly number[] {
    return this.settings.scope === 'tree' ? [process.pid, ...process.descendants()] : [process.pid];
  }

  /** Takes a sample; answers the limit that was broken too often, with the sample. */
  #judge(subject: Subject, pids: readonly number[]): readonly [Limit, Sample] | undefined {
    const { limits, rule } = this.settings;
    const sample = this.#measure(subject, pids);
    subject.sample = sample;
    subject.history = withSample(subject.history, sample, limits, rule, machine);
    for (const { key, what, side } of limits)
      if (subject.history.get(key)?.at(-1)) this.#tools.count(this.#watcher.name, `${side}_${what}`);
    const limit = exceeded(subject.history, limits, rule);
    return limit && [limit, sample];
  }

  #measure(subject: Subject, pids: readonly number[]): Sample {
    const { scope } = this.settings;
    const at = this.#tools.arbiter.clock.monotonic();
    const { seconds, resident } = useOf(pids, scope === 'tree');
    const { read } = subject;
    subject.read = { seconds, at };
    // What orphans used is lost with them, and nobody used less than nothing.
    const cpu = read && at > read.at ? (Math.max(0, seconds - read.seconds) / (at - read.at)) * 100_000 : undefined;
    return { cpu, memory: scope === 'tree' ? this.#memoryOf(subject, pids, resident, at) : resident };
  }

  /** The memory of a tree, found in the cheapest way that tells whether a limit is broken. */
  #memoryOf(subject: Subject, pids: readonly number[], resident: number, at: number): number {
    if (!subject.group || at - subject.group.at > groupLife) subject.group = { path: groupOf(pids), at };
    const { path } = subject.group;
    const grouped = path === undefined ? undefined : memoryOf(path);
    const limit = this.settings.limits.find(({ what }) => what === 'memory');
    // Shared pages make it less and never more.
    const shared = grouped === undefined && limit && resident > limit.value ? shareOf(pids) : undefined;
    subject.source = grouped === undefined ? (shared === undefined ? 'rss' : 'pss') : 'cgroup';
    return grouped ?? shared ?? resident;
  }

  #lookAtChild(pid: number, signal: number): void {
    const subject = this.#children.get(pid) ?? newSubject();
    this.#children.set(pid, subject);
    const found = this.#judge(subject, [pid]);
    if (!found) return;
    const { log, count } = this.#tools;
    const { name } = this.#watcher;
    subject.history = new Map();
    count(name, 'restarting');
    log.warn(`${name}: child ${pid} gets signal ${signal}: ${this.#reason(...found)}`);
    send(pid, signal);
  }

  #reason(limit: Limit, sample: Sample): string {
    const { need, of } = this.settings.rule;
    const often = need === of ? `${need} times in a row` : `in ${need} of ${of} samples`;
    return `${limit.key}: it ${inWords(limit, sample, machine)}, ${limitInWords(limit)}, ${often}`;
  }

  async #act(process: Process, limit: Limit, sample: Sample): Promise<void> {
    const { log, publish, count, replacements, arbiter } = this.#tools;
    const { name } = this.#watcher;
    const reason = this.#reason(limit, sample);
    this.#busy = true;
    try {
      log.warn(`${name}: process ${process.pid} is replaced: ${reason}`);
      count(name, 'restarting');
      publish(name, 'out_of_limits', { process_pid: process.pid, limit: limit.key, reason });
      await this.#runBefore(process, sample, reason);
      const state = await replacements.replace(process, this.#watcher, reason);
      if (state !== 'done') this.#rested = arbiter.clock.monotonic() + this.settings.pause;
    } finally {
      this.#busy = false;
      this.#subjectOf(process).history = new Map();
    }
  }

  async #runBefore({ pid, wid, ended }: Process, { memory, cpu }: Sample, reason: string): Promise<void> {
    const { before } = this.settings;
    if (!before) return;
    const { endpoint, signal } = this.#tools;
    const over = new AbortController();
    void ended.then(() => over.abort());
    await runCommand(before.words, {
      ...this.#tools,
      label: `${this.#watcher.name}: ${before.words[0]}`,
      facts: {
        CIRCUS_WATCHER: this.#watcher.name,
        CIRCUS_WID: wid,
        CIRCUS_PID: pid,
        CIRCUS_REASON: reason,
        CIRCUS_MEMORY: Math.round(memory),
        CIRCUS_CPU: cpu === undefined ? undefined : cpu.toFixed(1),
        CIRCUSCTL_ENDPOINT: endpoint,
      },
      timeout: before.timeout,
      signal: AbortSignal.any([signal, over.signal]),
    });
  }
}
