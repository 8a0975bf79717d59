import assert from 'node:assert/strict';
import { HookBoard } from '../../core/board.js';
import { Refusal, type Fault } from '../../core/guard.js';
import { catalogue, type HookName, type TapPoint } from '../../core/hooks.js';
import { Scope } from '../../core/scope.js';
import { watcherSpec } from '../../core/spec.js';
import { FakeClock, flush } from '../support/clock.js';

/** What a hook that changes a value is given; the others look at nothing. */
const values: Partial<Record<HookName, unknown>> = {
  startAfter: new Map([['web', ['cache']]]),
  watcherSpec: watcherSpec({ name: 'web', cmd: 'true' }),
  spawnSpec: { command: 'true', args: [], chain: [], env: {}, cwd: '/', files: {} },
  descendants: [7, 8],
  hold: ['something'],
  reloadPlan: { first: 1, batch: 2, stopFirst: false },
};

const misbehaviours = {
  throws: () => {
    throw new Error('thrown');
  },
  rejects: () => Promise.reject(new Error('rejected')),
  'rejects through a promise of its own making': () =>
    ({ then: (_done: unknown, fail: (error: Error) => void) => fail(new Error('rejected')) }) as Promise<never>,
  'never resolves': () => new Promise<never>(() => undefined),
  'answers nonsense': () => 'nonsense',
};
type Misbehaviour = keyof typeof misbehaviours;

/** Calls a hook in the way of its kind: the answer, or the error that it was refused with. */
async function call(board: HookBoard, name: HookName): Promise<unknown> {
  const { kind } = catalogue[name];
  const loose = board as unknown as Record<'tell' | 'change' | 'ask', (name: HookName, value: unknown) => unknown>;
  try {
    if (kind === 'notice') return loose.tell(name, undefined);
    if (kind === 'change') return loose.change(name, values[name]);
    return await loose.ask(name, values[name]);
  } catch (error) {
    return error;
  }
}

function makeBoard() {
  const clock = new FakeClock();
  const board = new HookBoard(clock);
  const faults: Fault[] = [];
  const witness = new Scope('witness');
  const bad = new Scope('bad');
  const view = (scope: Scope) => board.view(scope) as unknown as Record<HookName, TapPoint<'fault'>>;
  view(witness).fault.tap('witness', (fault) => void faults.push(fault));
  return { clock, board, faults, witness, bad, view };
}

/** The words of the fault that is to be told, or undefined where there is none to tell. */
function expectedFault(name: HookName, how: Misbehaviour): RegExp | undefined {
  const { kind, onFault, deadline } = catalogue[name];
  if (onFault === 'drop') return undefined;
  if (how === 'answers nonsense')
    return kind === 'notice' || kind === 'series' ? undefined : /answered "nonsense" to hook/;
  if (how === 'throws') return /thrown/;
  if (kind === 'change') return /which is not an answer/;
  if (how !== 'never resolves') return /rejected/;
  return kind === 'notice' || deadline === Infinity ? undefined : new RegExp(`did not answer hook "${name}" within`);
}

for (const name of Object.keys(catalogue) as HookName[]) {
  const { kind, onFault, deadline } = catalogue[name];
  const isAsync = kind !== 'notice' && kind !== 'change';

  describe(`hook ${name}`, () => {
    for (const how of Object.keys(misbehaviours) as Misbehaviour[]) {
      const wanted = expectedFault(name, how);
      const endless = how === 'never resolves' && isAsync && deadline === Infinity;

      it(`${endless ? 'waits, until it is closed, for' : 'contains'} a tap that ${how}`, async () => {
        const { clock, board, faults, bad, witness, view } = makeBoard();
        let later = 0;
        const turns: Record<string, number> = {};
        view(bad)[name].tap('bad', () => {
          // Faults of the hook `fault` must not call each other in turns.
          turns[how] = (turns[how] ?? 0) + 1;
          return misbehaviours[how]() as never;
        });
        view(witness)[name].tap('witness', () => void later++);

        let answer: unknown;
        const calling = call(board, name).then((value) => (answer = value));
        await flush();
        if (endless) {
          await clock.advance(1e9);
          assert.equal(later, 0);
          void bad.close();
        } else await clock.advance(deadline === Infinity ? 0 : deadline);
        await calling;
        await flush();

        const refused = onFault === 'refuse' && !endless;
        if (!refused) {
          assert.ok(!(answer instanceof Error) && !(answer instanceof Refusal));
          if (values[name]) assert.equal(answer, values[name]);
          assert.equal(later, 1, 'a later tap was not called');
        } else {
          assert.match(String(answer), /\bbad\b/);
          assert.ok(answer instanceof Refusal === (kind === 'bail'));
        }
        if (wanted) {
          assert.ok(faults.length > 0, 'no fault was told');
          for (const fault of faults) assert.deepEqual([fault.plugin, fault.hook], ['bad', name]);
          assert.match((faults[0]!.error as Error).message, wanted);
        } else if (name !== 'fault') assert.deepEqual(faults, []);
        assert.equal(turns[how], 1);
        assert.deepEqual(clock.pending, []);
      });
    }

    it('is silent for a plugin that is closed, also about what is still open', async () => {
      const { board, faults, bad, view } = makeBoard();
      let calls = 0;
      view(bad)[name].tap('bad', () => {
        calls++;
        return new Promise<never>((_resolve, reject) => setImmediate(() => reject(new Error('late'))));
      });
      const open = call(board, name);
      const closing = bad.close();
      await Promise.all([open, closing]);
      await call(board, name);
      await flush();
      assert.equal(calls, 1);
      // A synchronous hook has judged the promise before the plugin was closed.
      if (isAsync) assert.deepEqual(faults, []);
    });

    it('takes no tapAsync, no "before", and nothing from a closed plugin', async () => {
      const { bad, view } = makeBoard();
      const point = view(bad)[name];
      assert.ok(!('tapAsync' in point));
      assert.throws(() => point.tap({ name: 'bad', before: 'witness' } as never, () => undefined), /use "stage"/);
      assert.throws(() => point.tap('bad', 'text' as never), /a tap is a function/);
      await bad.close();
      assert.throws(() => point.tap('bad', () => undefined), { code: 'ERR_SCOPE_CLOSED' });
    });
  });
}

describe('answers', () => {
  const answers: Partial<Record<HookName, { good: readonly unknown[]; bad: readonly unknown[] }>> = {
    beforeSpawn: { good: [undefined, false], bad: [true, null, 0, ''] },
    ready: { good: [undefined, true, false], bad: [null, 'yes'] },
    respawn: {
      good: ['respawn', 'stop', 'complete', { retryIn: 0 }],
      bad: [true, false, {}, { retryIn: -1 }, { retryIn: NaN }, { retryIn: Infinity }, { retryIn: '5' }],
    },
    startAfter: { good: [new Map()], bad: [{}, new Map([['a', 'b']]), new Map([['a', [1]]])] },
    descendants: { good: [[], [2]], bad: [[1], [-5], [1.5], 7, [process.pid]] },
    hold: { good: [[], ['why']], bad: ['why', [1], {}] },
    reloadPlan: { good: [{ first: 1, batch: 9 }], bad: [{ first: 0, batch: 1 }, { first: 1 }, 2, null] },
    beforeStep: { good: [undefined, false], bad: [true, null] },
    watcherSpec: { good: [watcherSpec({ name: 'x', cmd: 'y' })], bad: [null, {}, { name: 'x', cmd: 'y' }] },
    spawnSpec: {
      good: [{ command: 'x', args: [], chain: [['a']], env: {}, cwd: '/', files: { 1: { path: '/a', flags: 0 } } }],
      bad: [
        { command: 'x' },
        { command: 'x', args: [1], chain: [], env: {}, cwd: '/', files: {} },
        { command: 'x', args: [], chain: ['a'], env: {}, cwd: '/', files: {} },
        { command: 'x', args: [], chain: [], env: { A: 1 }, cwd: '/', files: {} },
        { command: 'x', args: [], chain: [], env: {}, cwd: '/', files: { 1: 'file' } },
      ],
    },
  };

  for (const [name, { good, bad }] of Object.entries(answers) as [HookName, { good: unknown[]; bad: unknown[] }][]) {
    it(`of ${name} are taken when they are answers, and are faults when not`, async () => {
      for (const answer of [...good, ...bad]) {
        const { board, faults, bad: plugin, view } = makeBoard();
        view(plugin)[name].tap('bad', () => answer as never);
        const got = await call(board, name);
        const isGood = good.includes(answer);
        assert.equal(faults.length, isGood ? 0 : 1, `${name}: ${String(answer)}`);
        if (!isGood || answer === undefined) continue;
        if (answer === false || answer === 'stop')
          assert.ok(got instanceof Refusal && got.plugin === 'bad' && got.error === undefined);
        else assert.equal(got, answer);
      }
    });
  }
});
