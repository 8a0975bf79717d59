/** systemd's protocol by which services tell how they are: sd_notify(3). */
import { receiveDatagrams, type PluginContext, type Process } from '#core';
import { unwatch } from './liveness.js';
import type { HealthRecord, Records } from './records.js';

/** What it takes to read notices. */
interface Context extends Pick<PluginContext, 'arbiter' | 'log' | 'guard'> {
  readonly records: Records;
  /** A process wants to be replaced. */
  readonly retire: (process: Process, reason: string) => void;
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
  #senderOf(pid: number): readonly [Process, HealthRecord] | undefined {
    const all = this.#speakers();
    const main = all.find(([, { mainPid }]) => mainPid === pid);
    if (main) return main;
    const member = all.find(([process]) => process.pid === pid || process.descendants().includes(pid));
    if (member?.[1].settings.notify === 'all') return member;
    if (member) this.#refuse(pid, ...member);
    else this.#context.log.debug(`process ${pid}, which is none of ours, sent a notice`);
    return undefined;
  }

  /** The living processes that send notices. */
  #speakers(): readonly (readonly [Process, HealthRecord])[] {
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
    const main = Number(notice.get('MAINPID'));
    if (main === process.pid || process.descendants().includes(main)) record.mainPid = main;
    record.status = notice.get('STATUS') ?? record.status;
    const limit = Number(notice.get('WATCHDOG_USEC'));
    if (limit > 0) record.silence = limit / 1000;
    if (limit > 0 || notice.get('WATCHDOG') === '1') record.sign();
    if (notice.get('WATCHDOG') === 'trigger') record.troubled();
    if (notice.has('FDSTORE'))
      log.info(`${process.watcher}: process ${process.pid} wants descriptors to be kept, which circusd does not do`);
    if (notice.get('CIRCUS_RETIRE') === '1') this.#context.retire(process, notice.get('CIRCUS_RETIRE_REASON') ?? '');
    if (notice.get('STOPPING') === '1') {
      record.leaving = true;
      unwatch(record);
    }
    if (notice.get('READY') === '1') {
      record.hear('notify');
      if (record.wasReady) process.become('ready');
    } else if (notice.get('RELOADING') === '1' || record.leaving) process.become('unready');
  }
}
