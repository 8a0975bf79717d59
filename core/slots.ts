/** The numbered places of a watcher: which is taken, by what, and which is free. Only bookkeeping, no decisions. */
import type { Clock } from './clock.js';
import { noAttempts, type Attempts } from './pace.js';
import type { Process } from './process.js';

/** A timed attempt. */
export interface Retry {
  /** Wall time, in ms. */
  readonly at: number;
  readonly reason: string;
  readonly cancel: () => void;
  /** Makes the attempt at once. */
  readonly hurry: () => void;
}

/** One place; its number is the `wid` of whatever runs in it. */
export interface Slot {
  readonly wid: number;
  process: Process | undefined;
  retry: Retry | undefined;
  /** Something is being decided or spawned for it. */
  busy: number;
  /** Nothing more is to run in it, and why. */
  done: 'completed' | 'gave-up' | undefined;
  attempts: Attempts;
  /** Monotonic time of the last start. */
  startedAt: number;
  /** It holds what is beyond the number wanted: a successor that is not ready yet, or one that leaves for its own. */
  extra: boolean;
  /** Whose successor it holds. */
  replaces: Process | undefined;
  /** Its place at sockets that have one for each process; 0: none. */
  seat: number;
}

/** Spelled out: a spread of defaults makes V8 keep each slot as a dictionary of its own, 1 KB for each process. */
const emptySlot = (wid: number, attempts: Attempts, startedAt: number): Slot => ({
  wid,
  process: undefined,
  retry: undefined,
  busy: 0,
  done: undefined,
  attempts,
  startedAt,
  extra: false,
  replaces: undefined,
  seat: 0,
});
const isAlive = (process: Process | undefined): process is Process => process !== undefined && process.alive;
/** A process that ended holds its slot until the keeper has decided what comes after it. */
const isTaken = ({ process, busy, retry, done }: Slot) => process !== undefined || busy > 0 || !!retry || !!done;
/** Taken in a way that fulfils the wish for a process, now or at a known time. */
const counts = (slot: Slot) => !slot.extra && isTaken(slot) && (slot.busy > 0 || !slot.process?.stopping);

/** Times an attempt in a slot: `again` is called when it is due, or hurried. */
export function retryAfter(delay: number, slot: Slot, reason: string, clock: Clock, again: () => void): void {
  const hurry = () => {
    cancel();
    slot.retry = undefined;
    again();
  };
  const cancel = clock.after(delay, hurry);
  slot.retry = { at: clock.now() + delay, reason, cancel, hurry };
}

/** The slots of one watcher. */
export class Slots {
  /** Nothing more is to be started in any of them, as it failed in one and would in all. */
  abandoned = false;
  readonly #slots = new Map<number, Slot>();
  readonly #seats = new Set<number>();

  /** All living processes, oldest first. */
  get processes(): readonly Process[] {
    const living = [...this.#slots.values()].map(({ process }) => process).filter(isAlive);
    return living.sort((a, b) => a.begun - b.begun || a.wid - b.wid);
  }

  /** The living processes that neither are being stopped, nor leave, nor are still unproven successors, oldest first. */
  get serving(): readonly Process[] {
    return this.processes.filter((process) => !process.stopping && !this.of(process)?.extra);
  }

  get retries(): readonly (Retry & { readonly wid: number })[] {
    return [...this.#slots.values()].flatMap(({ wid, retry }) => (retry ? [{ ...retry, wid }] : []));
  }

  /** True while something is being decided, spawned or awaited in some slot. */
  get pending(): boolean {
    return [...this.#slots.values()].some(({ busy, retry }) => busy > 0 || retry !== undefined);
  }

  /** How the slots that are done came to it: given up in one is given up. */
  get outcome(): 'completed' | 'gave-up' | undefined {
    const all = [...this.#slots.values()].map(({ done }) => done);
    return this.abandoned || all.includes('gave-up') ? 'gave-up' : all.includes('completed') ? 'completed' : undefined;
  }

  /** The slot in which a process runs. */
  of(process: Process): Slot | undefined {
    const slot = this.#slots.get(process.wid);
    return slot?.process === process ? slot : undefined;
  }

  /** The slot that holds the successor of a process. */
  successorOf(process: Process): Slot | undefined {
    return [...this.#slots.values()].find(({ replaces }) => replaces === process);
  }

  /** The slot for the next process, lowest number first, when fewer than `wanted` are taken. */
  missing(wanted: number): Slot | undefined {
    if (this.abandoned) return undefined;
    let taken = 0;
    for (const slot of this.#slots.values()) if (counts(slot) && ++taken >= wanted) return undefined;
    return wanted > 0 ? this.#free() : undefined;
  }

  /** A slot for a successor, beyond the number wanted. */
  extra(): Slot {
    const slot = this.#free();
    slot.extra = true;
    return slot;
  }

  /** Gives a slot its seat: that of the process it replaces, else one that was left, else a new one. */
  sit(slot: Slot): number {
    const held = this.#held(slot);
    const taken = slot.replaces && this.of(slot.replaces)?.seat;
    slot.seat = taken || ([...this.#seats].find((seat) => !held.has(seat)) ?? Math.max(0, ...this.#seats) + 1);
    this.#seats.add(slot.seat);
    return slot.seat;
  }

  /** The seats that are kept where there are to be `wanted` processes: those of which one sits, or is to come. */
  seatsFor(wanted: number): ReadonlySet<number> {
    const held = this.#held();
    let coming = wanted - held.size - [...this.#slots.values()].filter(({ done }) => done).length;
    for (const seat of this.#seats) if (!held.has(seat) && coming-- <= 0) this.#seats.delete(seat);
    return this.#seats;
  }

  #held(except?: Slot): ReadonlySet<number> {
    const sitting = [...this.#slots.values()].filter((slot) => slot !== except && (slot.process || slot.busy > 0));
    return new Set(sitting.flatMap(({ seat }) => seat || []));
  }

  /** Forgets pauses, verdicts and failures. */
  reset(): void {
    this.abandoned = false;
    for (const slot of this.#slots.values()) {
      slot.retry?.cancel();
      slot.retry = slot.done = undefined;
      slot.attempts = noAttempts;
    }
  }

  /** Has places that were through be filled again; the floor under respawns still counts their attempts. */
  resume(): void {
    for (const slot of this.#slots.values()) if (slot.done === 'completed') slot.done = undefined;
  }

  /** Drops what is not a process beyond `wanted`, the highest numbers first. */
  tidy(wanted: number): void {
    const byNumber = [...this.#slots.values()].sort((a, b) => b.wid - a.wid);
    let surplus = byNumber.filter(counts).length - wanted;
    for (const slot of byNumber) {
      if (slot.process || slot.busy) continue;
      if (counts(slot)) {
        if (surplus-- <= 0) continue;
        slot.retry?.cancel();
        slot.retry = slot.done = undefined;
      }
      // A number that is still wanted keeps its attempts: the floor under respawns counts them.
      if (slot.wid > wanted) this.#slots.delete(slot.wid);
    }
  }

  #free(): Slot {
    let wid = 1;
    for (let slot = this.#slots.get(wid); slot && isTaken(slot); slot = this.#slots.get(wid)) wid++;
    const { attempts = noAttempts, startedAt = 0 } = this.#slots.get(wid) ?? {};
    const slot = emptySlot(wid, attempts, startedAt);
    this.#slots.set(wid, slot);
    return slot;
  }
}
