/** What the controller remembers of this run: its events, and how processes ended. */
import type { Arbiter, HookViews, Process, Watcher } from '#core';
import type { Fields } from './command.js';
import type { DaemonEvent } from './event-table.js';
import { EventLog } from './event-log.js';
import { publishEvents, topicOf } from './events.js';
import { History } from './history.js';
import { Answers } from './answers.js';
import type { Outbox } from './outbox.js';
import type { ControllerService, Explanation } from './service.js';

/** What can be kept over a reload of the plugin. */
interface State {
  readonly events: EventLog['state'];
  readonly history: History['state'];
}

/** The log of events and the history. */
export class Records {
  readonly events: EventLog;
  readonly history: History;
  /** What plugins have to say about a watcher, and about one of its processes. */
  readonly explanations = new Answers<Watcher, Explanation>();
  readonly notes = new Answers<Process, readonly string[]>();
  /** A word about a watcher beside its state. */
  readonly marks = new Answers<Watcher, string>();

  constructor(arbiter: Arbiter, outlet: Pick<Outbox, 'put' | 'dropped'>, restored?: unknown) {
    const { events, history } = (restored ?? {}) as Partial<State>;
    this.events = new EventLog(arbiter.id, outlet, events);
    this.history = new History(arbiter, history);
  }

  /** How other plugins add to what is told. */
  readonly additions: Pick<ControllerService, 'addExplanation' | 'addMark' | 'addNotes' | 'addMemoryCounter'> = {
    addExplanation: (explain) => this.explanations.add(explain),
    addMark: (mark) => this.marks.add(mark),
    addNotes: (notes) => this.notes.add(notes),
    addMemoryCounter: (find) => this.history.counters.add(find),
  };

  get state(): State {
    return { events: this.events.state, history: this.history.state };
  }

  /** Publishes an event of a watcher, which may be a plugin's own. */
  readonly publish = (watcher: string, event: string, facts?: Fields): void =>
    this.events.add(topicOf(watcher, event), facts);

  /** Publishes an event of the daemon. */
  readonly announce = (event: DaemonEvent, facts: Fields): void => this.events.add(`daemon.${event}`, facts);

  /** Learns from the kernel's notices. */
  tap(hooks: HookViews): void {
    publishEvents(hooks, { watcher: this.publish, daemon: this.announce });
    this.history.tap(hooks);
  }
}
