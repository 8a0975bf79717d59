import assert from 'node:assert/strict';
import { replyAsText } from '../../../cli/ctl/reply.js';

const text = (name: string, reply: Readonly<Record<string, unknown>>) =>
  replyAsText({ name, role: 'view' }, { status: 'ok', time: 1.5, id: 'x', ...reply });

describe('what happened, printed', () => {
  it('is a line for each event', () => {
    const events = [
      { seq: 7, topic: 'watcher.web.reap', time: 1_790_000_000.25, process_pid: 12, exit_code: -9 },
      { seq: 8, topic: 'daemon.config_changed', time: 1_790_000_001, changes: [{ kind: 'watcher' }], by: null },
      { seq: 9, topic: 'watcher.web.note', time: 'soon', text: 'a\nb' },
    ];
    assert.equal(
      text('events', { boot: 'b', events, next: 9, missed: 0, dropped: 0 }),
      '7 2026-09-21T14:13:20.250Z watcher.web.reap process_pid=12 exit_code=-9\n' +
        '8 2026-09-21T14:13:21.000Z daemon.config_changed changes=[{"kind":"watcher"}] by=null\n' +
        '9 soon watcher.web.note text=a?b\n',
    );
  });

  it('says what is not there', () => {
    assert.equal(text('events', { events: [], missed: 0, dropped: 0 }), '');
    assert.equal(
      text('events', { events: [], missed: 3, dropped: 2 }),
      '3 events before these are not kept any more\n2 events could not be sent to subscribers\n',
    );
    assert.equal(text('events', { events: [], next: 5, last: 9, missed: 0 }), 'there are more: --since 5\n');
    assert.equal(
      text('events', { events: [], missed: null }),
      'this is another run of the daemon: its events begin here\n',
    );
  });

  it('is a table of ends', () => {
    const end = { time: 1_790_000_000.25, pid: 12, wid: 1, code: null, signal: 'SIGTERM', duration: 3.21 };
    const exits = [
      { ...end, reason: 'stopped', by: 'operator' },
      { ...end, pid: 1234, signal: null, code: 3, duration: 1234.5, reason: 'crashed', by: null },
      { ...end, signal: null, reason: 'unknown', by: null },
    ];
    assert.equal(
      text('history', { exits }),
      'TIME                  PID   PLACE  LIVED     EXIT     REASON\n' +
        '2026-09-21T14:13:20Z  12    1      3.2 s     SIGTERM  stopped by operator\n' +
        '2026-09-21T14:13:20Z  1234  1      1234.5 s  3        crashed\n' +
        '2026-09-21T14:13:20Z  12    1      3.2 s     unknown  unknown\n',
    );
    assert.equal(text('history', { exits: [] }), 'no process of it has ended yet\n');
  });

  it('is the explanation, without what a terminal obeys', () => {
    assert.equal(text('explain', { text: 'web runs.\nAll \u001b[2Jis well.' }), 'web runs.\nAll ?[2Jis well.\n');
  });
});
