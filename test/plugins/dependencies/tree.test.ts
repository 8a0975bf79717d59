import assert from 'node:assert/strict';
import { draw, type Branch, type Node } from '#plugins/dependencies/tree.js';

const branch = (on: string, more: Partial<Branch> = {}): Branch => ({
  ...{ on, kind: 'requires', condition: 'ready', met: true, why: '' },
  ...more,
});
const node = (name: string, ...needs: readonly Branch[]): Node => ({ name, state: 'active', needs });

describe('the drawing of the graph', () => {
  it('has below each watcher what it waits for, with its state and condition', () => {
    const why = 'it is starting';
    const nodes = [
      node('cache'),
      node('db'),
      node('web', branch('db', { met: false, why }), branch('migrate', { condition: 'completed_ok' })),
      {
        ...node('migrate', branch('db'), branch('tcp://h:1', { met: false, why: 'refused 3 s ago' })),
        state: 'completed',
      } as const,
    ];
    assert.deepEqual(draw(nodes), [
      'web [active]',
      '├─ db [active] requires ready: it is starting',
      '└─ migrate [completed] requires completed_ok, met',
      '   ├─ db [active] requires ready, met',
      '   └─ tcp://h:1 requires: refused 3 s ago',
      'cache [active]',
    ]);
  });

  it('has what is below a watcher once, and says so', () => {
    const nodes = [node('a', branch('b'), branch('c')), node('b', branch('c')), node('c', branch('d')), node('d')];
    assert.deepEqual(draw(nodes), [
      'a [active]',
      '├─ b [active] requires ready, met',
      '│  └─ c [active] requires ready, met',
      '│     └─ d [active] requires ready, met',
      '└─ c [active] requires ready, met (above)',
    ]);
    assert.deepEqual(draw(nodes, nodes[2]), ['c [active]', '└─ d [active] requires ready, met']);
  });

  it('fits on a terminal, however deep it goes, and leaves nobody out', () => {
    const count = 2000;
    const nodes = Array.from({ length: count }, (_, at) =>
      at === 0 ? node('w0') : node(`w${at}`, branch(`w${at - 1}`, { met: false, why: 'it has '.repeat(20) })),
    );
    const lines = draw(nodes);
    assert.ok(lines.every((line) => line.length <= 80));
    for (const { name } of nodes) assert.ok(lines.some((line) => line.includes(`${name} `)));
    assert.ok(lines.length < 2 * count);
  });

  it('draws what names nobody that is there, and a circle', () => {
    assert.deepEqual(draw([node('a', branch('b', { met: false, why: 'there is no such watcher' }))]), [
      'a [active]',
      '└─ b requires ready: there is no such watcher',
    ]);
    assert.deepEqual(draw([node('a', branch('b')), node('b', branch('a'))]), [
      'a [active]',
      '└─ b [active] requires ready, met',
      '   └─ a [active] requires ready, met (above)',
    ]);
  });
});
