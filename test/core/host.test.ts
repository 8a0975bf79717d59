import assert from 'node:assert/strict';
import { Arbiter } from '../../core/arbiter.js';
import { Host, type LoadFailure } from '../../core/host.js';
import { definePlugin, type AnyPlugin, type PluginContext } from '../../core/plugin.js';
import { Scope } from '../../core/scope.js';
import { service } from '../../core/service.js';
import { watcherSpec } from '../../core/spec.js';
import { FakeClock, flush } from '../support/clock.js';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const one = service<{ readonly number: number }>('one');
const two = service<{ readonly number: number }>('two');

/** A plugin that notes what happens to it; `more` are the rest of its fields. */
const noting = (log: string[], name: string, more: Partial<AnyPlugin> = {}): AnyPlugin => ({
  name,
  apply({ defer }) {
    log.push(`+${name}`);
    defer(() => void log.push(`-${name}`));
  },
  ...more,
});
const provider = (log: string[], name: string, offered: typeof one, more: Partial<AnyPlugin> = {}): AnyPlugin => ({
  name,
  provides: { it: offered },
  apply({ defer }) {
    log.push(`+${name}`);
    defer(() => void log.push(`-${name}`));
    return { it: { number: name.length } };
  },
  ...more,
});
const codesOf = (failures: readonly LoadFailure[]) =>
  failures.map(({ plugin, error }) => `${plugin} ${(error as { code?: string }).code ?? (error as Error).message}`);

describe('the host', () => {
  let clock: FakeClock;
  let arbiter: Arbiter;
  let host: Host;
  let log: string[];
  let faults: string[];
  beforeEach(() => {
    clock = new FakeClock();
    arbiter = new Arbiter({ clock });
    host = new Host(arbiter, () => quiet, { outer: { number: 99 } });
    log = [];
    faults = [];
  });
  afterEach(async () => {
    await host.close();
    assert.deepEqual(clock.pending, []);
  });
  const load = async (...plugins: AnyPlugin[]) => codesOf(await host.load(plugins.map((plugin) => ({ plugin }))));

  it('applies plugins in order, gives them their services, and closes them in reverse', async () => {
    const seen: unknown[] = [];
    const user = definePlugin({
      name: 'user',
      needs: { mine: one, outer: service<{ number: number }>('outer') },
      wants: { maybe: two, never: service('never') },
      apply({ services, defer }) {
        seen.push(services.mine.number, services.maybe?.number, services.never, services.outer.number);
        defer(() => void log.push('-user'));
      },
    });
    assert.deepEqual(await load(user, provider(log, 'first', one), provider(log, 'second', two)), []);
    assert.deepEqual(seen, [5, 6, undefined, 99]);
    assert.deepEqual(host.plugins, ['first', 'second', 'user']);
    assert.deepEqual([...arbiter.plugins], ['first', 'second', 'user']);
    assert.deepEqual(await host.close(), []);
    assert.deepEqual(log, ['+first', '+second', '-user', '-second', '-first']);
    assert.deepEqual([...host.plugins, ...arbiter.plugins], []);
  });

  it('loads the others when one cannot be loaded, and says which and why', async () => {
    const failures = await load(
      noting(log, 'lonely', { needs: { x: two } }),
      provider(log, 'provider', one),
      provider(log, 'double', one),
      // Named like the service that the two quarrel about: it is not to blame.
      noting(log, 'one'),
      noting(log, 'circle', { needs: { x: service('circle') }, provides: { x: service('circle') } }),
      noting(log, 'one'),
    );
    assert.deepEqual(failures.sort(), [
      'circle ERR_PLUGIN_CYCLE',
      'double ERR_PLUGIN_DOUBLED',
      'lonely ERR_PLUGIN_MISSING',
      'one ERR_PLUGIN_LOADED',
    ]);
    assert.deepEqual(log, ['+provider', '+one']);
    assert.deepEqual(await load(provider(log, 'late', one), noting(log, 'one')), [
      'one ERR_PLUGIN_LOADED',
      'late ERR_PLUGIN_DOUBLED',
    ]);
  });

  it('checks options with the plugin’s own validator, and names the key', async () => {
    const checked: unknown[] = [];
    const plugin = definePlugin({
      name: 'strict',
      options: {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: async (value) => {
            const { size, sub } = value as { size: unknown; sub?: unknown };
            const issues = [
              ...(Number(size) > 0 ? [] : [{ message: 'must be positive', path: ['size'] }]),
              ...(sub === undefined ? [] : [{ message: 'is unknown', path: [{ key: 'sub' }, 'x'] }]),
            ];
            return issues.length > 0 ? { issues } : { value: { size: Number(size) } };
          },
        },
      },
      apply: (_context, options) => void checked.push(options),
    });
    const [failure] = await host.load([{ plugin, options: { size: '0', sub: 1 } }]);
    assert.equal(
      (failure!.error as Error).message,
      'plugin "strict": option "size": must be positive; option "sub.x": is unknown',
    );
    assert.deepEqual(await host.load([{ plugin, options: { size: '7' } }]), []);
    assert.deepEqual(checked, [{ size: 7 }]);
  });

  it('gives back in reverse what one acquired that throws half way, and leaves out its dependents', async () => {
    arbiter.hooks
      .view(new Scope('test'))
      .fault.tap('test', ({ plugin, hook }) => void faults.push(`${plugin} ${hook}`));
    const failures = await load(
      provider(log, 'half', one, {
        apply({ defer, hooks }: PluginContext) {
          hooks.spawned.tap('half', () => void log.push('it heard'));
          defer(() => void log.push('-a'));
          defer(() => {
            log.push('-b');
            throw new Error('while giving back');
          });
          throw new Error('half way');
        },
      }),
      noting(log, 'dependent', { needs: { x: one } }),
      noting(log, 'other'),
    );
    assert.deepEqual(failures, ['half half way', 'dependent ERR_PLUGIN_MISSING']);
    assert.deepEqual([log, host.plugins, faults], [['-b', '-a', '+other'], ['other'], ['half close']]);
    arbiter.hooks.tell('spawned', undefined as never, undefined as never);
    assert.ok(!log.includes('it heard'));
  });

  it('wants the services that were promised', async () => {
    const failures = await load(
      noting(log, 'liar', { provides: { x: one } }),
      { ...provider(log, 'partly', two), provides: { it: two, other: service('three') } },
      noting(log, 'user', { needs: { x: two } }),
    );
    assert.deepEqual(failures, ['liar ERR_PLUGIN_SERVICE', 'partly ERR_PLUGIN_SERVICE', 'user ERR_PLUGIN_MISSING']);
    assert.deepEqual(log, ['+liar', '-liar', '+partly', '-partly']);
  });

  it('unloads one and first those that use it, and applies again those that can do without', async () => {
    await load(
      provider(log, 'base', one),
      provider(log, 'middle', two, { needs: { x: one } }),
      noting(log, 'top', { needs: { x: two } }),
      noting(log, 'wisher', { wants: { x: one } }),
      noting(log, 'other'),
    );
    log.length = 0;
    assert.deepEqual(await host.unload('base'), []);
    assert.deepEqual(
      [log, host.plugins],
      [
        ['-wisher', '-top', '-middle', '-base', '+wisher'],
        ['other', 'wisher'],
      ],
    );
    await assert.rejects(host.unload('base'), { code: 'ERR_PLUGIN_UNKNOWN', message: 'plugin "base" is not loaded' });
    assert.deepEqual(await load(provider(log, 'another', one)), []);
  });

  it('unloads twice at the same time once', async () => {
    await load(noting(log, 'other'), noting(log, 'target'));
    const [first, second] = await Promise.allSettled([host.unload('target'), host.unload('target')]);
    assert.deepEqual([first.status, second.status, host.plugins], ['fulfilled', 'rejected', ['other']]);
  });

  it('goes on without a plugin that hangs when it is applied or closed', async () => {
    const never = () => new Promise<never>(() => undefined);
    const loading = load(noting(log, 'hanging', { apply: never }), noting(log, 'other'));
    await clock.advance(30_000);
    assert.deepEqual(await loading, ['hanging ERR_PLUGIN_TIMEOUT']);
    await load(noting(log, 'clinging', { apply: ({ defer }: PluginContext) => defer(never) }));
    const unloading = host.unload('clinging');
    await clock.advance(10_000);
    assert.deepEqual(
      (await unloading).map((error) => (error as Error).message),
      ['plugin "clinging" did not answer hook "close" within 10000 ms'],
    );
    assert.deepEqual(host.plugins, ['other']);
  });

  it('keeps what plugins want to keep, and gives it to those that come', async () => {
    const restored: unknown[] = [];
    const keeping = noting(log, 'keeping', {
      apply(context: PluginContext) {
        restored.push(context.restored);
        context.keep(() => ({ counts: [1, 2] }));
      },
    });
    const failing = noting(log, 'failing', {
      apply(context: PluginContext) {
        context.keep(() => {
          throw new Error('no');
        });
        context.hooks.fault.tap('failing', ({ plugin, hook }) => void faults.push(`${plugin} ${hook}`));
      },
    });
    await load(keeping, failing, noting(log, 'other'));
    const kept = host.snapshot();
    assert.deepEqual([kept, faults], [{ keeping: { counts: [1, 2] } }, ['failing snapshot']]);
    await host.close();
    await host.load([{ plugin: keeping }], kept);
    assert.deepEqual(restored, [undefined, { counts: [1, 2] }]);
  });

  it('starts what waited for a plugin when it comes, and nothing that was not to run', async () => {
    const spec = { cmd: '/nowhere/program', max_retry: 1, needs: ['limits'] };
    const waiting = arbiter.add(watcherSpec({ ...spec, name: 'waiting' }));
    const resting = arbiter.add(watcherSpec({ ...spec, name: 'resting' }));
    await waiting.start().result;
    assert.equal(waiting.state, 'waiting');
    await load(noting(log, 'other'));
    assert.equal(waiting.state, 'waiting');
    await load(noting(log, 'limits'));
    await flush();
    assert.deepEqual([waiting.state, resting.state], ['gave-up', 'stopped']);
  });

  it('does nothing by itself: plugins that are defined are only that', async () => {
    definePlugin({ name: 'inert', apply: () => void log.push('applied') });
    await flush();
    assert.deepEqual(log, []);
  });
});
