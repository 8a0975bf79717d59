import assert from 'node:assert/strict';
import type { Edges } from '#core';
import { withGraph } from '#plugins/dependencies/order.js';
import { along, findCycle, priorityEdges } from '../../../core/order.js';

const ranked = (priorities: Readonly<Record<string, number>>) =>
  Object.entries(priorities).map(([name, priority]) => ({ name, spec: { priority } }));
const graphOf = (graph: Readonly<Record<string, readonly string[]>>): Edges => new Map(Object.entries(graph));

describe('the order of a graph and of priorities', () => {
  const orderOf = (
    priorities: Readonly<Record<string, number>>,
    graph: Readonly<Record<string, readonly string[]>>,
    oneByOne = false,
  ) => Object.fromEntries(withGraph(priorityEdges(ranked(priorities), oneByOne), graphOf(graph)));

  it('is that of priorities where the graph says nothing', () => {
    const plain = priorityEdges(ranked({ a: 5, b: 5, c: 1, d: 0 }), false);
    assert.deepEqual(withGraph(plain, new Map()), plain);
    const slow = priorityEdges(ranked({ a: 0, b: 0, c: 1 }), true);
    assert.deepEqual(withGraph(slow, new Map()), slow);
  });

  it('is that of the graph where all have one priority', () => {
    assert.deepEqual(orderOf({ web: 0, db: 0, log: 0 }, { web: ['db'] }), { db: [], log: [], web: ['db'] });
  });

  it('has the graph first where both speak, and priorities for the rest', () => {
    const order = orderOf({ web: 10, db: 0, log: 5, last: 0 }, { web: ['db'] });
    assert.deepEqual(order, { db: [], web: ['db'], log: ['db', 'web'], last: ['log'] });
  });

  it('keeps one after the other where there is a pause between any two', () => {
    const order = orderOf({ web: 0, db: 0, log: 0, api: 0 }, { api: ['web'], web: ['db'] }, true);
    assert.deepEqual(order, { db: [], web: ['db'], api: ['web'], log: ['api'] });
  });

  it('never makes a circle, whatever the priorities are', () => {
    let seed = 7;
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let turn = 0; turn < 200; turn++) {
      const names = Array.from({ length: 12 }, (_, at) => `w${at}`);
      const priorities = Object.fromEntries(names.map((name) => [name, random(4)]));
      const graph = Object.fromEntries(
        names.map((name, at) => [name, names.slice(0, at).filter(() => random(4) === 0)]),
      );
      const edges = withGraph(priorityEdges(ranked(priorities), turn % 2 === 0), graphOf(graph));
      assert.equal(findCycle(edges), undefined);
    }
  });

  it('lets nobody begin before those that it waits for are through', async () => {
    const graph = { web: ['db', 'cache'], api: ['web'], cache: ['net'] };
    const edges = withGraph(
      priorityEdges(ranked({ api: 9, web: 3, db: 0, cache: 1, net: 0, z: 5 }), false),
      graphOf(graph),
    );
    const through: string[] = [];
    await along([...edges.keys()], edges, async (name) => {
      for (const other of graph[name as keyof typeof graph] ?? [])
        assert.ok(through.includes(other), `${name}, ${other}`);
      await new Promise((resolve) => setImmediate(resolve));
      through.push(name);
    });
    assert.equal(through.length, 6);
  });

  it('takes each list of equals once, however many share it', () => {
    const count = 4000;
    const names = Array.from({ length: count }, (_, at) => `w${at}`);
    const graph = new Map(names.map((name, at) => [name, at === 0 ? [] : [names[at >> 1]!, names[at - 1]!]]));
    const plain = priorityEdges(ranked(Object.fromEntries(names.map((name, at) => [name, at % 10]))), false);
    let reads = 0;
    const counted = new Map<readonly string[], readonly string[]>();
    for (const list of plain.values())
      if (!counted.has(list))
        counted.set(
          list,
          new Proxy(list, {
            get: (target, key) => {
              reads++;
              return Reflect.get(target, key) as unknown;
            },
          }),
        );
    withGraph(new Map([...plain].map(([name, list]) => [name, counted.get(list)!])), graph);
    // Each for each would be 400 times as many.
    assert.ok(reads < 10 * count, `${reads} reads`);
  });
});
