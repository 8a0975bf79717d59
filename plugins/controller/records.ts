/** What the controller remembers of this run: its events, and how processes ended. */
import type { Arbiter, Fault, HookViews, Process, Watcher } from '#core';
import type { Fields } from './command.js';
import type { DaemonEvent } from './event-table.js';
import { EventLog } from './event-log.js';
import { publishEvents, topicOf } from './events.js';
import { History } from './history.js';
import { Answers, questions } from './answers.js';
import type { Outbox } from './outbox.js';
import type { ControllerService, Explanation } from './service.js';

/** What can be kept over a reload of the plugin. */
interface State {
  readonly events: EventLog['state'];
  readonly history: History['state'];
}

/** What of the controller's service is about what it remembers. */
type Additions = 'publish' | 'addExplanation' | 'addMark' | 'addNotes' | 'addMemoryCounter' | 'addContinuation';

/** The log of events and the history. */
export class Records {
  readonly events: EventLog;
  readonly history: History;
  /** What plugins have to say about a watcher, and about one of its processes. */
  readonly explanations: Answers<Watcher, Explanation>;
  readonly notes: Answers<Process, readonly string[]>;
  /** A word about a watcher beside its state. */
  readonly marks: Answers<Watcher, string>;
  /** Who has the reload of a watcher go on that waits for a word. */
  readonly continuations: Answers<Watcher, true>;

  constructor(arbiter: Arbiter, outlet: Pick<Outbox, 'put' | 'dropped'>, restored?: unknown) {
    const { events, history } = (restored ?? {}) as Partial<State>;
    this.events = new EventLog(arbiter.id, outlet, events);
    this.history = new History(arbiter, history);
    const report = (fault: Fault) => arbiter.hooks.tell('fault', fault);
    this.explanations = new Answers(questions.explanation, report);
    this.notes = new Answers(questions.notes, report);
    this.marks = new Answers(questions.mark, report);
    this.continuations = new Answers(questions.continuation, report);
  }

  /** How other plugins tell, and add to what is told. */
  readonly additions: Pick<ControllerService, Additions> = {
    publish: (watcher, event, facts) => this.publish(watcher, event, facts),
    addExplanation: (explain, by) => this.explanations.add(explain, by),
    addMark: (mark, by) => this.marks.add(mark, by),
    addNotes: (notes, by) => this.notes.add(notes, by),
    addMemoryCounter: (find, by) => this.history.counters.add(find, by),
    addContinuation: (proceed, by) => this.continuations.add(proceed, by),
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
