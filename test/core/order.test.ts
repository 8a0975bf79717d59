import assert from 'node:assert/strict';
import type { Edges } from '../../core/hooks.js';
import { along, findCycle, priorityEdges, reversed } from '../../core/order.js';

const ranked = (priorities: Readonly<Record<string, number>>) =>
  Object.entries(priorities).map(([name, priority]) => ({ name, spec: { priority } }));
const plain = (edges: Edges) => Object.fromEntries([...edges].map(([name, before]) => [name, [...before].sort()]));

/** Runs `along`, and tells the order in which the actions began and ended. */
async function trace(names: readonly string[], edges: Edges, failing: readonly string[] = []) {
  const log: string[] = [];
  const failures = await along(names, edges, async (name) => {
    log.push(`+${name}`);
    await new Promise((resolve) => setImmediate(resolve));
    log.push(`-${name}`);
    if (failing.includes(name)) throw new Error(name);
  });
  return { log: log.join(' '), failures };
}

describe('the order of priorities', () => {
  it('puts each priority after the next higher one, and equals together', () => {
    const edges = priorityEdges(ranked({ low: 0, high: 9, middle: 5, other: 5 }), false);
    assert.deepEqual(plain(edges), { high: [], middle: ['high'], other: ['high'], low: ['middle', 'other'] });
  });

  it('puts equals one after the other, by name, when a pause is to be kept', () => {
    const edges = priorityEdges(ranked({ b: 0, a: 0, first: 1 }), true);
    assert.deepEqual(plain(edges), { first: [], a: ['first'], b: ['a'] });
  });

  it('turned round is the order of stopping', () => {
    const edges = new Map([
      ['web', ['cache', 'database']],
      ['cache', ['database']],
      ['database', []],
    ]);
    assert.deepEqual(plain(reversed(edges)), { web: [], cache: ['web'], database: ['cache', 'web'] });
  });
});

describe('findCycle', () => {
  it('finds none in a graph without one', () => {
    assert.equal(
      findCycle(
        new Map([
          ['a', ['b', 'c']],
          ['b', ['c', 'unknown']],
          ['c', []],
        ]),
      ),
      undefined,
    );
  });

  it('names the circle in its order', () => {
    const edges = new Map([
      ['start', ['a']],
      ['a', ['b']],
      ['b', ['c']],
      ['c', ['a']],
    ]);
    assert.deepEqual(findCycle(edges), ['a', 'b', 'c', 'a']);
    assert.deepEqual(findCycle(new Map([['self', ['self']]])), ['self', 'self']);
  });
});

describe('along', () => {
  it('waits for what comes before, and goes side by side where nothing orders', async () => {
    const edges = priorityEdges(ranked({ first: 2, left: 1, right: 1, last: 0 }), false);
    const { log } = await trace(['last', 'left', 'first', 'right'], edges);
    assert.equal(log, '+first -first +left +right -left -right +last -last');
  });

  it('goes on after a failure, and tells it', async () => {
    const edges = priorityEdges(ranked({ first: 1, last: 0 }), false);
    const { log, failures } = await trace(['first', 'last'], edges, ['first']);
    assert.equal(log, '+first -first +last -last');
    assert.deepEqual(
      failures.map((error) => (error as Error).message),
      ['first'],
    );
  });

  it('keeps the order across names that are not among those given', async () => {
    const edges = priorityEdges(ranked({ first: 2, absent: 1, last: 0 }), false);
    assert.equal((await trace(['last', 'first'], edges)).log, '+first -first +last -last');
    assert.equal((await trace(['first', 'last'], reversed(edges))).log, '+last -last +first -first');
  });

  it('takes names that the graph does not know', async () => {
    assert.equal((await trace(['a'], new Map([['a', ['unknown']]]))).log, '+a -a');
    assert.equal((await trace(['b'], new Map())).log, '+b -b');
  });

  it('bears thousands of equals on two levels, both ways', async () => {
    const names = Object.fromEntries(Array.from({ length: 4000 }, (_, at) => [`w${at}`, at % 2]));
    const edges = priorityEdges(ranked(names), false);
    let acted = 0;
    await along(Object.keys(names), edges, async () => acted++);
    await along(Object.keys(names), reversed(edges), async () => acted++);
    assert.equal(acted, 8000);
  });

  it('bears a chain of many thousands', async () => {
    const names = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`w${at}`, at]));
    let acted = 0;
    const edges = priorityEdges(ranked(names), true);
    assert.equal(findCycle(edges), undefined);
    await along(Object.keys(names), edges, async () => acted++);
    assert.equal(acted, 20_000);
  });
});
