import assert from 'node:assert/strict';
import { Arbiter } from '../../core/arbiter.js';
import { reasonOf } from '../../core/errors.js';
import type { Fault } from '../../core/guard.js';
import { Host } from '../../core/host.js';
import type { AnyPlugin, PluginContext } from '../../core/plugin.js';
import { Scope } from '../../core/scope.js';
import { service } from '../../core/service.js';
import { watcherSpec } from '../../core/spec.js';
import { FakeClock, flush } from '../support/clock.js';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const one = service<string>('one');
const two = service<string>('two');

describe('reloading a plugin', () => {
  let arbiter: Arbiter;
  let host: Host;
  let log: string[];
  let faults: Fault[];
  beforeEach(() => {
    arbiter = new Arbiter({ clock: new FakeClock() });
    host = new Host(arbiter, () => quiet);
    log = [];
    faults = [];
    arbiter.hooks.view(new Scope('test')).fault.tap('test', (fault) => void faults.push(fault));
  });
  afterEach(() => host.close());

  /** Notes its coming and going with what it was given, counts how often it was applied, and keeps the count. */
  const plugin = (name: string, more: Partial<AnyPlugin> = {}): AnyPlugin => ({
    name,
    apply({ services, restored, keep, defer }: PluginContext, options: Record<string, string>) {
      const times = ((restored as { times: number } | undefined)?.times ?? 0) + 1;
      const given = [...Object.values(services), ...Object.values(options), times].filter(Boolean);
      log.push(`+${name} ${given.join(' ')}`);
      keep(() => ({ times }));
      defer(() => void log.push(`-${name}`));
      return Object.fromEntries(Object.keys(more.provides ?? {}).map((local) => [local, `${name}${times}`]));
    },
    ...more,
  });
  const load = async (...plugins: AnyPlugin[]) => {
    const list = plugins.map((loaded) => ({ plugin: loaded, options: { option: `${loaded.name}!` } }));
    const failures = await host.load(list);
    return failures.map(({ error }) => reasonOf(error));
  };

  it('closes and applies those that use it too, all with their options and what they kept', async () => {
    const base = plugin('base', { provides: { it: one } });
    await load(
      base,
      plugin('middle', { needs: { it: one }, provides: { it: two } }),
      plugin('wisher', { wants: { it: two } }),
      plugin('other'),
    );
    log.length = 0;
    const answer = await host.reload('base', { plugin: base, options: { option: 'new' } });
    assert.deepEqual(answer.failures, []);
    assert.deepEqual(answer.reloaded, ['base', 'middle', 'wisher']);
    assert.deepEqual(log, [
      ...['-wisher', '-middle', '-base'],
      ...['+base new 2', '+middle base2 middle! 2', '+wisher middle2 wisher! 2'],
    ]);
    assert.deepEqual(host.plugins, ['other', 'base', 'middle', 'wisher']);
    assert.deepEqual(host.snapshot()['middle'], { times: 2 });
  });

  it('is one exchange: spawns wait until all are there', async () => {
    const base = plugin('base', { provides: { it: one } });
    await load(base, plugin('user', { needs: { it: one } }));
    const reloading = host.reload('base', { plugin: base });
    await arbiter.hooks.steady();
    assert.deepEqual(host.plugins, ['base', 'user']);
    await reloading;
  });

  const failing = (name: string, provides: AnyPlugin['provides']): AnyPlugin => ({
    ...plugin(name, { provides }),
    apply() {
      throw new Error('no room');
    },
  });

  it('that fails says why, and the one before it goes on with what it kept and all that use it', async () => {
    await load(
      plugin('base', { provides: { it: one } }),
      plugin('user', { needs: { it: one } }),
      plugin('wisher', { wants: { it: one } }),
    );
    log.length = 0;
    const { failures, reloaded } = await host.reload('base', { plugin: failing('base', { it: one }) });
    assert.deepEqual(
      failures.map(({ error }) => reasonOf(error)),
      ['no room'],
    );
    assert.deepEqual([reloaded, host.plugins], [host.plugins, ['base', 'user', 'wisher']]);
    assert.deepEqual(log.slice(-3), ['+base base! 2', '+user base2 user! 2', '+wisher base2 wisher! 2']);
  });

  it('that fails with another name in its place leaves the one before it, too', async () => {
    await load(plugin('base', { provides: { it: one } }), plugin('user', { needs: { it: one } }));
    const { failures } = await host.reload('base', { plugin: failing('better', { it: one }) });
    assert.deepEqual(
      failures.map(({ plugin: name, error }) => [name, reasonOf(error)]),
      [['better', 'no room']],
    );
    assert.deepEqual(host.plugins, ['base', 'user']);
  });

  it('closes nothing for one that is unknown, or for what is no plugin', async () => {
    await load(plugin('base'));
    await assert.rejects(host.reload('nobody', { plugin: plugin('nobody') }), { code: 'ERR_PLUGIN_UNKNOWN' });
    await assert.rejects(host.reload('base', { plugin: { name: 'base' } as AnyPlugin }), {
      code: 'ERR_PLUGIN_INVALID',
    });
    assert.deepEqual(log, ['+base base! 1']);
  });

  it('keeps only what is JSON: anything else is a fault, and nothing is restored', async () => {
    const strange = [{ when: new Date(0) }, { list: [undefined] }, { big: 1n }, () => 1, new Map()];
    for (const [at, kept] of strange.entries())
      await load({ name: `strange${at}`, apply: ({ keep }: PluginContext) => keep(() => kept) });
    await load(plugin('plain'), { name: 'silent', apply: ({ keep }: PluginContext) => keep(() => undefined) });
    assert.deepEqual(host.snapshot(), { plain: { times: 1 } });
    assert.deepEqual(
      faults.map((fault) => `${fault.plugin} ${fault.hook}`),
      strange.map((_, at) => `strange${at} snapshot`),
    );
    assert.equal(reasonOf(faults[0]!.error), 'what it keeps is not JSON, and would be lost');
  });

  it('gives a copy of what was kept: what the plugin does with it later is its own', async () => {
    const kept = { list: [1] };
    await load({ name: 'keeping', apply: ({ keep }: PluginContext) => keep(() => kept) });
    const { keeping } = host.snapshot();
    kept.list.push(2);
    assert.deepEqual(keeping, { list: [1] });
  });

  it('tells what went wrong while one closed as faults of that plugin', async () => {
    await load(
      plugin('base', {
        apply({ defer }: PluginContext) {
          for (const words of ['first', 'second'])
            defer(() => {
              throw new Error(words);
            });
        },
      }),
    );
    const errors = await host.unload('base');
    assert.deepEqual(errors.map(reasonOf), ['second', 'first']);
    assert.deepEqual(
      faults.map((fault) => `${fault.plugin} ${fault.hook} ${reasonOf(fault.error)}`),
      ['base close second', 'base close first'],
    );
  });

  it('names the provider that failed, and why, down to the last in line', async () => {
    const circle = service('circle');
    assert.deepEqual(
      await load(
        plugin('round', { needs: { it: circle }, provides: { it: circle, more: one } }),
        plugin('middle', { needs: { it: one }, provides: { it: two } }),
        plugin('last', { needs: { it: two } }),
      ),
      [
        'plugins need each other in a circle: round -> round',
        'plugin "middle" needs service "one", whose provider "round" failed: ' +
          'plugins need each other in a circle: round -> round',
        'plugin "last" needs service "two", whose provider "middle" failed: ' +
          'plugin "middle" needs service "one", whose provider "round" failed: ' +
          'plugins need each other in a circle: round -> round',
      ],
    );
    assert.deepEqual(await load(plugin('round', { provides: { it: one } })), []);
    await host.unload('round');
    assert.deepEqual(await load(plugin('late', { needs: { it: one } })), [
      'plugin "late" needs service "one", which no loaded plugin provides',
    ]);
  });

  it('starts what waited for a plugin that was applied again', async () => {
    const base = plugin('base', { provides: { it: one } });
    await load(base, plugin('wisher', { wants: { it: one } }));
    const spec = { name: 'web', cmd: '/nowhere/program', max_retry: 1, needs: ['wisher'] };
    const watcher = arbiter.add(watcherSpec(spec));
    const unloading = host.unload('base');
    await flush();
    await unloading;
    await watcher.start().result;
    await flush();
    assert.equal(watcher.state, 'gave-up');
  });
});
