import assert from 'node:assert/strict';
import { watcherSpec } from '#core';
import { judge } from '#plugins/dependencies/judge.js';
import { Graph } from '#plugins/dependencies/graph.js';

type Options = Readonly<Record<string, unknown>>;

const specsOf = (all: Readonly<Record<string, Options>>, respawn = true) =>
  Object.entries(all).map(([name, options]) => watcherSpec({ name, cmd: 'true', respawn, options }));

describe('the graph of watchers', () => {
  const flawsOf = (all: Readonly<Record<string, Options>>, respawn?: boolean) => {
    const specs = specsOf(all, respawn);
    const graph = new Graph(specs);
    const found = specs.map((spec) => [spec.name, graph.flawsOf(spec).map(({ key, message }) => `${key} ${message}`)]);
    return Object.fromEntries(found.filter(([, flaws]) => flaws!.length > 0)) as Record<string, string[]>;
  };

  it('refuses a name that is nobody’s, with the nearest one', () => {
    assert.deepEqual(flawsOf({ database: {}, web: { requires: 'databse' } }), {
      web: ['requires names "databse", which is no watcher (did you mean "database"?)'],
    });
  });

  it('finds names without regard to case', () => {
    assert.deepEqual(flawsOf({ DB: {}, web: { requires: 'db' } }), {});
  });

  it('refuses a condition that is none, with the nearest one', () => {
    assert.deepEqual(flawsOf({ db: {}, web: { requires: 'db startd' } }), {
      web: ['requires names "startd", which is neither a watcher nor a condition (did you mean "started"?)'],
    });
  });

  it('refuses each watcher of a circle with the circle, and nobody else', () => {
    const all = { a: { requires: 'b' }, b: { after: 'c started' }, c: { wants: 'a' }, d: { requires: 'a' }, e: {} };
    assert.deepEqual(flawsOf(all), {
      a: ['requires has it wait for itself: a -> b -> c -> a'],
      b: ['after has it wait for itself: b -> c -> a -> b'],
      c: ['wants has it wait for itself: c -> a -> b -> c'],
    });
    assert.deepEqual(flawsOf({ a: { after: 'a' } }), { a: ['after has it wait for itself: a -> a'] });
  });

  it('refuses to wait for the end of what is replaced when it ends', () => {
    assert.match(
      flawsOf({ db: {}, web: { wants: 'db completed' } })['web']![0]!,
      /^wants waits for "db" to complete, /,
    );
    assert.deepEqual(flawsOf({ db: {}, web: { wants: 'db completed' } }, false), {});
    assert.deepEqual(flawsOf({ db: { no_restart_exit_codes: '0' }, web: { wants: 'db completed' } }), {});
  });

  it('is looked at once for all watchers of a file', async () => {
    const count = 5000;
    const all = Object.fromEntries(
      Array.from({ length: count }, (_, at) => [`w${at}`, at === 0 ? {} : { requires: `w${at - 1}, w${at >> 1}` }]),
    );
    const watchers = specsOf(all);
    const look = judge();
    const begun = performance.now();
    for (const spec of watchers)
      assert.deepEqual(await look(spec.options, { spec, sockets: [], section: {}, watchers }), []);
    // Were each of them to look at all others, it would take minutes.
    assert.ok(performance.now() - begun < 15_000);
  });
});
