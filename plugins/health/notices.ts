/** systemd's protocol by which services tell how they are: sd_notify(3). */
import { readFileSync } from 'node:fs';
import { receiveDatagrams, sleep, type PluginContext, type Process } from '#core';
import { unwatch } from './liveness.js';
import type { HealthRecord, Records } from './records.js';

/** What it takes to read notices. */
interface Context extends Pick<PluginContext, 'arbiter' | 'log' | 'guard'> {
  readonly records: Records;
  /** A process wants to be replaced. */
  readonly retire: (process: Process, reason: string) => void;
}

/** A process that sends notices. */
type Speaker = readonly [Process, HealthRecord];

const daemon = process.pid;

/** A process changes between ready and unready once in so long (ms): one that can't decide must not drown all others. */
const pace = 100;

/** So many parents of a sender are looked up; and so long one that is none of ours is not looked up again (ms). */
const depth = 32;
const forgetting = 1000;

/** The parent of a process; 0 where nobody can tell. */
function parentOf(pid: number): number {
  try {
    return Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
  } catch {
    return 0;
  }
}

/** A pid and those that it comes from, up to one of ours that `ends` names. */
function lineOf(pid: number, ends: (pid: number) => boolean): readonly number[] {
  const line = [pid];
  for (let last = pid; last > 1 && !ends(last) && line.length <= depth; line.push(last)) last = parentOf(last);
  return line;
}

/** The assignments of a notice, by name. */
function readNotice(message: Buffer): ReadonlyMap<string, string> {
  const lines = message.toString().split('\n');
  return new Map(
    lines.flatMap((line) => {
      const at = line.indexOf('=');
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)] as const] : [];
    }),
  );
}

/** The socket for notices: opened when the first process needs it. */
export class Notices {
  readonly #name: string;
  readonly #context: Context;
  #close: (() => void) | undefined;
  /** Senders that are none of ours, and when they are forgotten. */
  readonly #strangers = new Set<number>();
  #forgetAt = -Infinity;

  /** `name` is its abstract address. */
  constructor(name: string, context: Context) {
    this.#name = name;
    this.#context = context;
  }

  /** Opens it where it is not open yet; answers what `NOTIFY_SOCKET` must be. @throws ERR_SYSTEM_CALL */
  open(): string {
    const { guard } = this.#context;
    this.#close ??= receiveDatagrams(
      this.#name,
      guard((message: Buffer, pid: number) => this.#receive(message, pid)),
    );
    return this.address;
  }

  /** What `NOTIFY_SOCKET` is, open or not. */
  get address(): string {
    return `@${this.#name}`;
  }

  /** Opens it again where processes that live would send to it. */
  resume(): void {
    if (this.#speakers().length > 0) this.open();
  }

  close(): void {
    this.#close?.();
    this.#close = undefined;
  }

  #receive(message: Buffer, pid: number): void {
    const sender = this.#senderOf(pid);
    if (sender) this.#take(readNotice(message), ...sender);
  }

  /** The process that a pid speaks for, if it may. */
  #senderOf(pid: number): Speaker | undefined {
    const all = this.#speakers();
    const main = all.find(([, { mainPid }]) => mainPid === pid);
    if (main) return main;
    const member = this.#memberOf(pid, all);
    if (member?.[1].settings.notify === 'all') return member;
    if (member) this.#refuse(pid, ...member);
    return undefined;
  }

  /** The speaker whose tree a pid is in. Anybody may send: those that are not ours must cost next to nothing. */
  #memberOf(pid: number, all: readonly Speaker[]): Speaker | undefined {
    const now = this.#context.arbiter.clock.monotonic();
    if (now >= this.#forgetAt) {
      this.#strangers.clear();
      this.#forgetAt = now + forgetting;
    }
    if (this.#strangers.has(pid)) return undefined;
    const speakers = new Map(all.map((speaker) => [speaker[0].pid, speaker]));
    const line = lineOf(pid, (one) => one === daemon || speakers.has(one));
    const isOurs = line.includes(daemon);
    // An orphan has come to us, and only the trees know whose it was.
    const found =
      speakers.get(line.at(-1)!) ?? (isOurs && all.find(([process]) => process.descendants().includes(pid)));
    if (found) return found;
    if (!isOurs) this.#strangers.add(pid);
    this.#context.log.debug(`process ${pid}, which is none of ours, sent a notice`);
    return undefined;
  }

  /** The living processes that send notices. */
  #speakers(): readonly Speaker[] {
    const { records, arbiter } = this.#context;
    const all = arbiter.watchers.flatMap(({ processes }) => processes);
    return all
      .map((process) => [process, records.of(process)] as const)
      .filter(([, { settings }]) => settings.notify !== undefined);
  }

  #refuse(pid: number, process: Process, record: HealthRecord): void {
    if (record.toldOfSender) return;
    record.toldOfSender = true;
    const what = `process ${pid} sent a notice for process ${process.pid}, and may not`;
    this.#context.log.warn(`${process.watcher}: ${what}: write "notify = all"`);
  }

  #take(notice: ReadonlyMap<string, string>, process: Process, record: HealthRecord): void {
    const { log } = this.#context;
    const main = Number(notice.get('MAINPID') ?? record.mainPid);
    if (main !== record.mainPid && (main === process.pid || process.descendants().includes(main)))
      record.mainPid = main;
    record.status = notice.get('STATUS') ?? record.status;
    const limit = Number(notice.get('WATCHDOG_USEC'));
    if (limit > 0) record.silence = limit / 1000;
    if (limit > 0 || notice.get('WATCHDOG') === '1') record.sign();
    if (notice.get('WATCHDOG') === 'trigger') record.troubled();
    if (notice.has('FDSTORE') && !record.toldOfStore) {
      record.toldOfStore = true;
      log.info(`${process.watcher}: process ${process.pid} wants descriptors to be kept, which circusd does not do`);
    }
    if (notice.get('CIRCUS_RETIRE') === '1') this.#context.retire(process, notice.get('CIRCUS_RETIRE_REASON') ?? '');
    if (notice.get('STOPPING') === '1') {
      record.leaving = true;
      unwatch(record);
    }
    if (notice.get('READY') === '1') {
      record.hear('notify');
      if (record.wasReady) this.#turn('ready', process, record);
    } else if (notice.get('RELOADING') === '1' || record.leaving) this.#turn('unready', process, record);
  }

  /** Changes its state, at most once per `pace`; the last that it said counts. */
  #turn(to: 'ready' | 'unready', process: Process, record: HealthRecord): void {
    const { clock } = this.#context.arbiter;
    const isWaiting = record.turn !== undefined;
    record.turn = to;
    if (isWaiting) return;
    const turn = () => {
      if (record.turn) process.become(record.turn);
      record.turn = undefined;
      record.turnedAt = clock.monotonic();
    };
    const rest = record.turnedAt + pace - clock.monotonic();
    if (rest <= 0) return turn();
    void sleep(clock, rest, record.life.signal).then(() => !record.life.signal.aborted && turn());
  }
}
