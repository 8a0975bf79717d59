import assert from 'node:assert/strict';
import { HookBoard } from '../../core/board.js';
import { slowTaps } from '../../core/guard.js';
import { Refusal } from '../../core/guard.js';
import { Scope } from '../../core/scope.js';
import { FakeClock, flush } from '../support/clock.js';

const nothing = undefined as never;

describe('the board of hooks', () => {
  let board: HookBoard;
  let scope: Scope;
  beforeEach(() => {
    board = new HookBoard(new FakeClock());
    scope = new Scope('plugin');
  });

  it('calls taps in the order of their stages, then in that in which they were made', () => {
    const order: string[] = [];
    const { started, reaped } = board.view(scope);
    assert.equal(board.used('reaped'), false);
    reaped.tap({ name: 'late', stage: 10 }, () => void order.push('late'));
    reaped.tap('one', () => void order.push('one'));
    reaped.tap({ name: 'early', stage: -1 }, () => void order.push('early'));
    reaped.tapPromise('two', async () => void order.push('two'));
    board.tell('reaped', nothing, nothing, nothing);
    assert.deepEqual(order, ['early', 'one', 'two', 'late']);
    assert.ok(board.used('reaped') && started);
  });

  it('gives a tap the time that it asks for in place of that of the hook', async () => {
    const clock = new FakeClock();
    board = new HookBoard(clock);
    const late = (deadline: number | undefined) => {
      const own = new Scope('plugin');
      const { beforeSpawn } = board.view(own);
      beforeSpawn.tap(
        { name: 'plugin', ...(deadline !== undefined && { deadline }) },
        () => new Promise(() => undefined),
      );
      const asked = board.ask('beforeSpawn', nothing, nothing);
      return { asked, close: () => board.exchange(async () => void (await own.close())) };
    };
    const plain = late(undefined);
    await clock.advance(5000);
    assert.match(String(await plain.asked), /within 5000 ms/);
    await plain.close();
    const short = late(10);
    await clock.advance(10);
    assert.match(String(await short.asked), /within 10 ms/);
    await short.close();
    const endless = late(Infinity);
    await flush();
    assert.deepEqual(clock.pending, []);
    await endless.close();
    await endless.asked;
  });

  it('gives views that can be tapped and neither called nor changed', () => {
    const view = board.view(scope);
    assert.ok(Object.isFrozen(view) && Object.isFrozen(view.fault));
    assert.deepEqual(Object.keys(view.fault), ['tap', 'tapPromise']);
  });

  it('awaits an async function that was tapped with plain tap', async () => {
    board.view(scope).beforeSpawn.tap('plugin', async () => {
      await flush();
      return false as const;
    });
    assert.ok((await board.ask('beforeSpawn', nothing, nothing)) instanceof Refusal);
  });

  it('passes a value from tap to tap, and keeps it where one has no opinion', async () => {
    const { descendants } = board.view(scope);
    descendants.tap('one', (pids) => [...pids, 8]);
    descendants.tap('two', () => undefined);
    descendants.tap('three', (pids) => [...pids, 9]);
    assert.deepEqual(board.change('descendants', [7], nothing), [7, 8, 9]);
  });

  it('counts slow synchronous taps, and names very slow ones', () => {
    const faults: string[] = [];
    const busy = (ms: number) => {
      const end = performance.now() + ms;
      while (performance.now() < end);
    };
    const view = board.view(scope);
    view.fault.tap('plugin', ({ error }) => void faults.push((error as Error).message));
    view.spawned.tap('plugin', () => busy(10));
    view.reaped.tap('plugin', () => busy(210));
    const before = slowTaps.get('plugin') ?? 0;
    board.tell('spawned', nothing, nothing);
    assert.deepEqual([slowTaps.get('plugin'), faults], [before + 1, []]);
    board.tell('reaped', nothing, nothing, nothing);
    assert.equal(slowTaps.get('plugin'), before + 2);
    assert.deepEqual(faults, ['plugin "plugin" did not answer hook "reaped" within 200 ms']);
  });
});

describe('an exchange of plugins', () => {
  let board: HookBoard;
  let scope: Scope;
  beforeEach(() => {
    board = new HookBoard(new FakeClock());
    scope = new Scope('plugin');
  });

  it('drops the taps of closed plugins, and keeps those of the others in their order', async () => {
    const order: string[] = [];
    const other = new Scope('other');
    board.view(scope).spawned.tap({ name: 'a', stage: 5 }, () => void order.push('a'));
    board.view(other).spawned.tap('b', () => void order.push('b'));
    board.view(other).reaped.tap('b', () => void order.push('reaped'));
    board.view(scope).spawned.tap('c', () => void order.push('c'));
    await board.exchange(async () => void (await other.close()));
    board.tell('spawned', nothing, nothing);
    assert.deepEqual(order, ['c', 'a']);
    assert.equal(board.used('reaped'), false);
  });

  it('keeps notices back, in order, and tells them to the plugins that are there afterwards', async () => {
    const order: string[] = [];
    const tapBoth = (owner: Scope) => {
      const { spawned, reaped } = board.view(owner);
      spawned.tap(owner.owner, () => void order.push(`${owner.owner} spawned`));
      reaped.tap(owner.owner, () => void order.push(`${owner.owner} reaped`));
    };
    tapBoth(scope);
    await board.exchange(async () => {
      board.tell('spawned', nothing, nothing);
      await scope.close();
      tapBoth(new Scope('new'));
      board.tell('reaped', nothing, nothing, nothing);
      assert.deepEqual(order, []);
    });
    assert.deepEqual(order, ['new spawned', 'new reaped']);
  });

  it('puts a question again that was open when it ended', async () => {
    let asked = 0;
    const answers: ((answer: false | undefined) => void)[] = [];
    board.view(scope).beforeSpawn.tapPromise('plugin', () => {
      asked++;
      return new Promise((resolve) => answers.push(resolve));
    });
    const asking = board.ask('beforeSpawn', nothing, nothing);
    await board.exchange(async () => undefined);
    answers[0]!(undefined);
    await flush();
    assert.equal(asked, 2);
    answers[1]!(false);
    assert.ok((await asking) instanceof Refusal);
  });

  it('ends the question to a plugin that it closes, and asks those that are left', async () => {
    board.view(scope).beforeStart.tapPromise('plugin', () => new Promise(() => undefined));
    const asking = board.ask('beforeStart', nothing, nothing);
    await board.exchange(async () => void (await scope.close()));
    assert.equal(await asking, undefined);
  });

  it('makes spawns wait, and no two go on at once', async () => {
    const order: string[] = [];
    const change = (name: string) =>
      board.exchange(async () => {
        order.push(`+${name}`);
        await flush();
        order.push(`-${name}`);
      });
    const changes = [change('a'), change('b'), change('c')];
    const spawn = board.steady().then(() => order.push('spawn'));
    await Promise.all([...changes, spawn]);
    assert.deepEqual(
      order.filter((entry) => entry !== 'spawn'),
      ['+a', '-a', '+b', '-b', '+c', '-c'],
    );
    assert.ok(order.indexOf('spawn') > 1);
  });

  it('that fails leaves the hooks working', async () => {
    let calls = 0;
    board.view(scope).spawned.tap('plugin', () => void calls++);
    await assert.rejects(
      board.exchange(() => Promise.reject(new Error('no'))),
      /no/,
    );
    await board.steady();
    board.tell('spawned', nothing, nothing);
    assert.equal(calls, 1);
  });
});
