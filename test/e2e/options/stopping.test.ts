import assert from 'node:assert/strict';
import { eventually } from '../../support/eventually.js';
import { hasSignal } from '../../core/world.js';
import { Child, subjectPerTest } from './subject.js';

describe('options about stopping, on a real child', () => {
  const start = subjectPerTest();
  /** Ends only when its child has, of which it does not tell. */
  const parent = `cmd = sh -c 'trap "echo asked" TERM; sleep 600 & wait; wait'`;

  it('stop_signal: is what asks it to stop', async () => {
    const subject = await start(
      `cmd = sh -c 'trap "exit 7" USR1; echo set; while :; do sleep 0.05; done'\nstop_signal = USR1`,
    );
    await subject.says('set');
    await subject.does('stop', 'w');
    const [end] = await subject.ends();
    assert.deepEqual([end?.reason, end?.code], ['stopped', 7]);
  });

  /** Stops the parent when its child is there; how it ended. */
  async function stopParent(options: string) {
    const subject = await start(`${parent}\n${options}`);
    await eventually(async () => {
      const [pid] = await subject.running();
      const { pid: own } = new Child(pid!);
      assert.notEqual(new Child(own).text(`task/${own}/children`).trim(), '');
    });
    await subject.does('stop', 'w');
    await subject.says('asked');
    return (await subject.ends())[0]!.reason;
  }

  it('stop_children: sends it to the direct children too', async () => {
    assert.equal(await stopParent('stop_children = True\ngraceful_timeout = 60'), 'stopped');
  });

  it('stop_children: without it they get no signal while their parent lives', async () => {
    assert.equal(await stopParent('graceful_timeout = 1'), 'killed after grace');
  });

  it('graceful_timeout: is the time until it is killed', async () => {
    const subject = await start(
      `cmd = sh -c 'trap "" TERM; echo deaf; while :; do sleep 600; done'\ngraceful_timeout = 1`,
    );
    await subject.says('deaf');
    const begun = performance.now();
    await subject.does('stop', 'w');
    assert.ok(performance.now() - begun >= 990);
    const [end] = await subject.ends();
    assert.deepEqual([end?.reason, end?.signal], ['killed after grace', 'SIGKILL']);
  });

  it('stop_steps: are sent one after the other until it ends', async () => {
    const subject = await start(
      `cmd = sh -c 'trap "echo first" HUP; trap "exit 7" USR1; echo set; while :; do sleep 0.05; done'\nstop_steps = HUP 1, USR1 60`,
    );
    await subject.says('set');
    await subject.does('stop', 'w');
    await subject.says('first');
    const [end] = await subject.ends();
    assert.deepEqual([end?.reason, end?.code], ['stopped', 7]);
  });

  it('send_hup: a reload sends SIGHUP and replaces nothing', async () => {
    const subject = await start(`cmd = sh -c 'trap "echo reading" HUP; while :; do sleep 0.05; done'\nsend_hup = True`);
    const before = await subject.running();
    await eventually(() => hasSignal(before[0]!, 'SigCgt', 1));
    await subject.does('reload', 'w');
    await subject.says('reading');
    assert.deepEqual(await subject.pids(), before);
  });

  it('max_age: a process that is too old is replaced', async () => {
    const subject = await start('cmd = sleep 600\nmax_age = 1\nmax_age_variance = 0\nready_after = 0');
    const [first] = await subject.running();
    await eventually(async () => assert.ok((await subject.ends()).length > 0), { within: 10_000 });
    const [end] = await subject.ends();
    assert.deepEqual([end?.pid, end?.reason], [first, 'too old']);
    assert.ok(end!.duration >= 0.99);
  });

  it('max_age_variance: lets each live for a time of its own', async () => {
    const subject = await start(
      'cmd = sleep 600\nmax_age = 1\nmax_age_variance = 3\nready_after = 0\nnumprocesses = 5',
    );
    const first = await eventually(
      async () => {
        const ends = (await subject.ends()).slice(0, 5);
        assert.equal(ends.length, 5);
        return ends;
      },
      { within: 10_000 },
    );
    const lives = first.map(({ duration }) => duration);
    assert.ok(Math.min(...lives) >= 0.99);
    assert.ok(Math.max(...lives) - Math.min(...lives) > 0.1, lives.join(' '));
  });
});
