/** What is known of the health of each process. */
import { setMaxListeners } from 'node:events';
import { watcherSpec, type Clock, type Process, type WatcherSpec } from '#core';
import type { Lag } from './lag-reports.js';
import type { Sight } from './listening.js';
import { readSettings, type Settings } from './settings.js';

/** The ways in which a process can say itself that it is ready. */
export type Channel = 'log' | 'notify' | 'fd' | 'ipc';

/** What a process is spawned with, before there is a process. */
export interface Intake {
  readonly spec: WatcherSpec;
  /** The descriptors whose output is passed on to the daemon's own. */
  readonly forwards: readonly number[];
}

/** What is remembered of a process while the plugin is loaded again. */
interface Kept extends Pick<Intake, 'forwards'> {
  /** It tells about its event loop. */
  readonly reports: boolean;
  readonly retiring?: string;
}

/** Whether a condition is met, and how; the phrase goes on after "it". */
export interface Finding {
  readonly met: boolean;
  readonly how: string;
  /** The wall time in ms at which that was found. */
  readonly at: number;
}

/** One process. */
export class HealthRecord {
  readonly settings: Settings;
  readonly forwards: readonly number[];
  /** Aborted when the process has ended, or the plugin closes. */
  readonly life = new AbortController();
  /** The ends of what it wrote, by descriptor: what is looked for may come in two pieces. */
  readonly tails = new Map<number, Buffer>();
  /** The beginnings of lines that are not whole yet, by descriptor. */
  readonly rests = new Map<number, string>();
  /** What is known of its event loop; undefined: it never told. */
  lag: Lag | undefined;
  /** Why it asked to be replaced; undefined: it did not. */
  retiring: string | undefined;
  /** The most that was ever seen of it about clients. */
  sees: Sight['sees'] = 'idle';
  /** What is known of each condition of being ready, by its key. */
  readonly findings = new Map<string, Finding>();
  /** What its last probes say when they fail, by their keys. */
  readonly complaints = new Map<string, string>();
  /** It was told that another of its tree sent a notice, and may not. */
  toldOfSender = false;
  /** It was told that no descriptors are kept. */
  toldOfStore = false;
  /** What it says that it is now, while it is too early to change that again; and when it last changed, on the clock that never jumps. */
  turn: 'ready' | 'unready' | undefined;
  turnedAt = -Infinity;
  /** It has been ready once. */
  wasReady = false;
  /** Ends the watch over it; undefined while nobody watches. */
  watch: AbortController | undefined;
  /** How it is watched, as text. */
  watched = '';
  /** What it says about itself. */
  status = '';
  /** It said that it is about to end. */
  leaving = false;
  /** The process that may send notices. */
  mainPid: number;
  /** Called when it says that it is alive, or how long it may be silent. */
  sign: () => void = () => undefined;
  /** Called when it says that it is in trouble. */
  troubled: () => void = () => undefined;
  /** How long it may be silent, in ms. */
  silence: number | undefined;
  readonly #heard = new Set<Channel>();
  readonly #waiting = new Map<Channel, () => void>();

  constructor({ pid }: Process, settings: Settings, forwards: readonly number[]) {
    this.settings = settings;
    this.forwards = forwards;
    this.mainPid = pid;
    this.silence = settings.alive.notify;
    setMaxListeners(0, this.life.signal);
  }

  /** Notes what was seen of it. */
  see({ sees }: Sight): void {
    if (sees !== 'idle' && (sees !== 'busy' || this.sees === 'idle')) this.sees = sees;
  }

  /** Notes that it said in this way that it is ready. */
  hear(channel: Channel): void {
    this.#heard.add(channel);
    this.#waiting.get(channel)?.();
  }

  hasHeard(channel: Channel): boolean {
    return this.#heard.has(channel);
  }

  /** Resolves when it has said so. */
  heard(channel: Channel): Promise<void> {
    return new Promise((resolve) => {
      if (this.#heard.has(channel)) resolve();
      else this.#waiting.set(channel, resolve);
    });
  }
}

/** The records of all processes. */
export class Records {
  readonly #intakes = new Map<string, Intake>();
  readonly #records = new Map<Process, HealthRecord>();
  readonly #settings = new WeakMap<WatcherSpec, Settings>();
  readonly #specOf: (watcher: string) => WatcherSpec | undefined;
  /** What `state` was before the plugin was loaded again. */
  readonly #restored: Readonly<Record<number, Kept>>;
  readonly #clock: Clock;

  constructor(specOf: (watcher: string) => WatcherSpec | undefined, restored: unknown, clock: Clock) {
    this.#specOf = specOf;
    this.#restored = (restored ?? {}) as Readonly<Record<number, Kept>>;
    this.#clock = clock;
  }

  /** What its watcher is now. */
  watcherSpec({ watcher }: Process): WatcherSpec | undefined {
    return this.#specOf(watcher);
  }

  /** What nobody tells again, by pid. */
  get state(): Readonly<Record<number, Kept>> {
    const kept = ({ forwards, retiring, lag }: HealthRecord): Kept => ({
      ...{ forwards, reports: lag !== undefined },
      ...(retiring !== undefined && { retiring }),
    });
    return Object.fromEntries([...this.#records].map(([{ pid }, record]) => [pid, kept(record)]));
  }

  /** Why a process asked to be replaced before the plugin was loaded again. */
  askedBefore({ pid }: Process): string | undefined {
    return this.#restored[pid]?.retiring;
  }

  settingsOf(spec: WatcherSpec): Settings {
    const settings = this.#settings.get(spec) ?? readSettings(spec).settings;
    this.#settings.set(spec, settings);
    return settings;
  }

  /** Notes what the next process in a place is spawned with. */
  take(watcher: string, wid: number, intake: Intake): void {
    this.#intakes.set(`${wid} ${watcher}`, intake);
  }

  of(process: Process): HealthRecord {
    return this.#records.get(process) ?? this.#open(process);
  }

  /** Ends all that is under way. */
  close(): void {
    for (const { life } of this.#records.values()) life.abort();
  }

  #open(process: Process): HealthRecord {
    const place = `${process.wid} ${process.watcher}`;
    const intake = this.#intakes.get(place);
    this.#intakes.delete(place);
    const spec = intake?.spec ?? this.#specOf(process.watcher) ?? watcherSpec({ name: '', cmd: '' });
    const kept = intake ?? this.#restored[process.pid];
    const record = new HealthRecord(process, this.settingsOf(spec), kept?.forwards ?? []);
    if (!intake && this.#restored[process.pid]?.reports)
      record.lag = { at: this.#clock.monotonic(), last: 0, longest: 0 };
    this.#records.set(process, record);
    void process.ended.then(() => this.#end(process, record));
    return record;
  }

  #end(process: Process, { life }: HealthRecord): void {
    life.abort();
    this.#records.delete(process);
  }
}
