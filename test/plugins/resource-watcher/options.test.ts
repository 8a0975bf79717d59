import assert from 'node:assert/strict';
import { totalmem } from 'node:os';
import { watcherSpec } from '#core';
import {
  flawsIn,
  optionsSchema,
  settingsFrom,
  settingsOf,
  type SectionOptions,
} from '#plugins/resource-watcher/options.js';
import { runCircusd } from '../../support/circusd.js';
import { temporaryPerTest } from '../../support/temporary.js';

const spec = (options: Readonly<Record<string, unknown>>) => watcherSpec({ name: 'w', cmd: 'true', options });
const flaws = (options: Readonly<Record<string, unknown>>) =>
  flawsIn(spec(options), '/').map(({ key, message }) => `${key} ${message}`);
const memory = { 'resources.max_memory': '500M' };

/** Options of a watcher, and what is said against them. */
const wrong: readonly (readonly [Readonly<Record<string, unknown>>, RegExp])[] = [
  [{ 'resources.max_memry': '1G' }, /^resources.max_memry is no option \(did you mean "resources.max_memory"\?\)$/],
  [
    { 'resources.max_memory': '500' },
    /^resources.max_memory must be a size such as 500M, or a part .*10%, and is "500"$/,
  ],
  [{ 'resources.max_memory': '5K' }, /^resources.max_memory must be at least 1M/],
  [{ 'resources.max_cpu': 'much' }, /^resources.max_cpu must be percent of a processor/],
  [{ 'resources.max_cpu': '0' }, /^resources.max_cpu must be percent/],
  [{ ...memory, 'resources.samples': '5 of 3' }, /^resources.samples must be not more than there are/],
  [{ ...memory, 'resources.samples': '0' }, /^resources.samples must be at least 1/],
  [{ ...memory, 'resources.samples': 'some' }, /^resources.samples must be a number such as 3, or 3 of 5/],
  [{ ...memory, 'resources.interval': '0' }, /^resources.interval has a wrong value: it is less than 0.1 s/],
  [{ ...memory, 'resources.before': './dump.sh' }, /^resources.before must be a command such as exec:/],
  [{ ...memory, 'resources.before': 'exec:' }, /^resources.before has a wrong value: has no command behind "exec:"/],
  [
    { ...memory, 'resources.before': 'exec:./nowhere.sh' },
    /^resources.before has the command "exec:.\/nowhere.sh": there is no file/,
  ],
  [{ ...memory, 'resources.before_timeout': '5' }, /^resources.before_timeout needs a "resources.before"/],
  [{ 'resources.samples': '3' }, /^resources.samples has nothing to be about/],
  [
    { 'resources.max_memory_hard': '1G' },
    /^resources.max_memory_hard is a limit of the system.*write cgroup.memory_max/,
  ],
];

const read = (options: Readonly<Record<string, unknown>>, optional = false) =>
  optionsSchema(optional)['~standard'].validate(options) as {
    readonly value: SectionOptions;
    readonly issues?: readonly { readonly message: string; readonly path?: readonly unknown[] }[];
  };

describe('the options of the resource watcher', () => {
  const folder = temporaryPerTest();

  for (const [options, message] of wrong)
    it(`${JSON.stringify(options)} is refused`, () => {
      assert.equal(flaws(options).length, 1);
      assert.match(flaws(options)[0]!, message);
    });

  it('of a watcher have defaults, and ask for nothing without a limit', () => {
    assert.equal(settingsOf(spec({})), undefined);
    const { limits, rule, interval, scope, before } = settingsOf(
      spec({ 'resources.max_memory': '10%', 'resources.max_cpu': 90, 'resources.before': 'exec:true' }),
    )!;
    assert.deepEqual(
      limits.map(({ key, value }) => [key, value]),
      [
        ['resources.max_memory', totalmem() / 10],
        ['resources.max_cpu', 90],
      ],
    );
    assert.deepEqual([rule, interval, scope], [{ need: 3, of: 5 }, 10_000, 'tree']);
    assert.deepEqual(before, { words: ['true'], timeout: 30_000 });
    assert.deepEqual(settingsOf(spec({ ...memory, 'resources.samples': 2 }))!.rule, { need: 2, of: 2 });
  });

  it('of a section have the meaning and the defaults of Circus', () => {
    const settings = settingsFrom(read({ watcher: 'web' }).value);
    assert.deepEqual(
      settings.limits.map(({ key, side, value }) => [key, side, Math.round(value)]),
      [
        ['max_cpu', 'over', 90],
        ['max_mem', 'over', Math.round(0.9 * totalmem())],
        ['health_threshold', 'over', 75],
      ],
    );
    const { rule, interval, scope, childSignal } = settings;
    assert.deepEqual([rule, interval, scope, childSignal], [{ need: 4, of: 4 }, 60_000, 'process', undefined]);
    const given = {
      service: 'web',
      max_mem: '200M',
      min_mem: '1.5M',
      min_cpu: '2',
      max_cpu: '0',
      health_threshold: 0,
      process_children: '1',
    };
    const other = settingsFrom(read(given).value);
    assert.deepEqual(
      other.limits.map(({ key, side, value }) => [key, side, value]),
      [
        ['min_cpu', 'under', 2],
        ['max_mem', 'over', 200 * 2 ** 20],
        ['min_mem', 'under', 1.5 * 2 ** 20],
      ],
    );
    assert.equal(other.childSignal, 15);
  });

  it('of a section need a watcher, but where keys of watchers load the plugin', () => {
    assert.deepEqual(read({ max_cpu: '5' }).issues?.[0]?.path, ['watcher']);
    assert.equal(read({}).issues?.length, 1);
    assert.equal(read({}, true).issues, undefined);
    assert.equal(read({ max_cpu: '5' }, true).issues?.length, 1);
  });

  it('are told with their places by --check', async () => {
    const file = folder.write(
      'circus.ini',
      [
        ...['[watcher:web]', 'cmd = sleep 600', 'resources.max_memory = lots', ''],
        ...['[plugin:rw]', 'use = circus.plugins.resource_watcher.ResourceWatcher', 'watcher = wbe', 'max_mem = 5', ''],
        ...['[plugin:other]', 'use = circus.plugins.resource_watcher:ResourceWatcher', 'max_cpuu = 3', 'watcher = web'],
      ].join('\n'),
    );
    const { code, stderr } = await runCircusd(['--check', file]);
    assert.equal(code, 1);
    assert.match(stderr, /circus\.ini:3:\d+: "resources\.max_memory" must be a size .*\[watcher:web\] is left out/);
    assert.match(stderr, /circus\.ini:7:\d+: "watcher" names no watcher: there is no "wbe" \(did you mean "web"\?\)/);
    assert.match(stderr, /circus\.ini:12:\d+: option "max_cpuu" .*did you mean "max_cpu"/);
  });
});
