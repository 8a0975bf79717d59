/** A watcher `w` with some options in a real daemon, and what its real children are. */
import assert from 'node:assert/strict';
import { readFileSync, readlinkSync } from 'node:fs';
import { daemonPerTest } from '../../plugins/daemon.js';
import type { Circusd, CircusdOptions } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';

/** One end, as `circusctl history` tells it. */
export interface End {
  readonly pid: number;
  readonly wid: number;
  readonly code: number | null;
  readonly signal: string | null;
  readonly duration: number;
  readonly reason: string;
}

/** One event, as `circusctl events` tells it. */
interface Event {
  readonly topic: string;
  readonly time: number;
  readonly process_pid?: number;
  readonly in?: number;
}

export class Subject {
  readonly daemon: Circusd;

  constructor(daemon: Circusd) {
    this.daemon = daemon;
  }

  /** The pids of a watcher, oldest first. */
  async pids(name = 'w'): Promise<readonly number[]> {
    return ((await this.daemon.json('list', name)) as { readonly pids: readonly number[] }).pids;
  }

  /** The same, once there are so many. */
  async running(count = 1, name = 'w'): Promise<readonly number[]> {
    return eventually(async () => {
      const pids = await this.pids(name);
      assert.equal(pids.length, count);
      return pids;
    });
  }

  /** Its only process, once a program of this name runs in it: a chain may come first. */
  async child(comm = 'sleep'): Promise<Child> {
    return eventually(async () => {
      const [pid] = await this.running();
      const child = new Child(pid!);
      assert.equal(child.text('comm').trim(), comm);
      return child;
    });
  }

  async state(name = 'w'): Promise<unknown> {
    return ((await this.daemon.json('status', name)) as { readonly state: unknown }).state;
  }

  async ends(): Promise<readonly End[]> {
    return ((await this.daemon.json('history', 'w')) as { readonly exits: readonly End[] }).exits;
  }

  /** The events of this kind, oldest first, each with the watcher's name. */
  async events(kind: string): Promise<readonly (Event & { readonly watcher: string })[]> {
    const { events } = (await this.daemon.json('events')) as { readonly events: readonly Event[] };
    return events.flatMap((event) => {
      const [, watcher = '', what] = event.topic.split('.');
      return what === kind ? [{ ...event, watcher }] : [];
    });
  }

  /** Has circusctl do something, to its end. */
  async does(...words: readonly string[]): Promise<void> {
    const { code, stderr } = await this.daemon.ctl(...words, '--waiting');
    assert.equal(code, 0, stderr);
  }

  /** Resolves when the daemon or its children have written this. */
  async says(text: string): Promise<void> {
    await eventually(() => assert.ok(this.daemon.log.includes(text), `no "${text}"`));
  }
}

/** What the system knows of one process. */
export class Child {
  readonly pid: number;

  constructor(pid: number) {
    this.pid = pid;
  }

  text(file: string): string {
    return readFileSync(`/proc/${this.pid}/${file}`, 'utf8');
  }

  link(file: string): string {
    return readlinkSync(`/proc/${this.pid}/${file}`);
  }

  get words(): readonly string[] {
    return this.text('cmdline').split('\0').slice(0, -1);
  }

  get env(): Readonly<Record<string, string>> {
    const entries = this.text('environ').split('\0').filter(Boolean);
    return Object.fromEntries(entries.map((entry) => entry.split(/=(.*)/s, 2) as [string, string]));
  }

  /** The words of a line of `/proc/PID/status`. */
  status(name: string): readonly string[] {
    const [, value = ''] = new RegExp(`^${name}:(.*)$`, 'm').exec(this.text('status')) ?? [];
    return value.trim().split(/\s+/);
  }
}

/** To be called in a `describe`: starts a daemon with a watcher `w` that has these options, and more sections. */
export function subjectPerTest() {
  const start = daemonPerTest();
  return async (options: string, more = '', given: CircusdOptions = {}): Promise<Subject> =>
    new Subject(await start(`[watcher:w]\n${options}\n${more}\n`, given));
}
