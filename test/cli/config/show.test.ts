import assert from 'node:assert/strict';
import fc from 'fast-check';
import { buildConfiguration, type Configuration } from '../../../cli/config/build.js';
import { mergeFiles } from '../../../cli/config/sections.js';
import { readConfigurationText } from '../../../cli/config/read.js';
import { meantPlugins, type KnownPlugins, type MeantPlugin } from '../../../cli/config/rewrite.js';
import { formats, showConfiguration, type Format } from '../../../cli/config/show.js';
import { yamlIsThere } from './yaml-package.js';

const full = process.env.CIRCUSD_FULL === '1';
const built = ['controller', 'flapping', 'httpd', 'stats', 'statsd', 'limits'];
const known: KnownPlugins = {
  has: (name) => built.includes(name),
  unwritten: () => ({}),
  loadedBy: ({ options }) =>
    Object.keys(options).flatMap((key) =>
      key.startsWith('flapping.') ? ['flapping'] : key === 'uid' ? ['limits'] : [],
    ),
};
const daemon = { HOME: '/h', OTHER: 'a ; b', TRICK: '$HOME ${HOME} $$' };
const build = (text: string, file = 'a.ini'): Configuration =>
  buildConfiguration(mergeFiles(file, [readConfigurationText(text, file)]), daemon, { sections: ['tunnel'] });
const show = (configuration: Configuration, format?: Format, only?: string): string =>
  showConfiguration(configuration, meantPlugins(configuration, known), only, format);

/** What a daemon is made from, without the places. */
const essence = (configuration: Configuration) => ({
  circus: Object.entries(configuration.circus).filter(([key]) =>
    ['warmup_delay', 'umask', 'loglevel', 'debug'].includes(key),
  ),
  watchers: configuration.watchers.map(({ spec }) => spec),
  sockets: configuration.sockets.map(({ spec }) => spec),
  plugins: meantPlugins(configuration, known)
    .map(({ name, use, circusClass, options, priority }: MeantPlugin) => ({
      name,
      use,
      circusClass,
      options,
      priority,
    }))
    .sort((one, other) => (one.name < other.name ? -1 : 1)),
  sections: configuration.sections.map(({ kind, name, options }) => ({ kind, name, options })),
});

const sample = `[circus]
check_delay = 2
httpd = yes
httpd_port = 8081
stats_endpoint = tcp://127.0.0.1:1
umask = 022
[env]
A = $(circus.env.HOME)/x
[tunnel:db]
to = there
[socket:Web]
host = ::1
family = AF_INET6
[socket:unix]
path = /run/x
port = 80
[defaults:w*]
graceful_timeout = 1m
[watcher:web]
cmd = run "$(circus.env.A)" -c 'a;b'
args = -v
  --more
flapping.window = 500ms
env.B = 1
sockets = web
stop_signal = SIGRTMIN+1
hooks.before_start = a.b, true
working_dir = $(circus.env.HOME)
[watcher:Old]
name = New
cmd = x
copy_env = True
uid = 0
[plugin:calm]
use = circus.plugins.flapping.Flapping
attempts = 3
priority = 4
`;

describe('the configuration in effect', () => {
  it('is shown as INI with the place of each value, then the defaults', () => {
    const lines = show(build(sample), 'ini', 'watcher:web').split('\n');
    assert.deepEqual(lines.slice(0, 16), [
      '[watcher:web]',
      'graceful_timeout = 60                              ; a.ini:18',
      '# a.ini:20:',
      `cmd = run "/h/x" -c 'a;b'`,
      'args = -v                                          ; a.ini:21',
      '    --more',
      'flapping.window = 0.5                              ; a.ini:23',
      'env.B = 1                                          ; a.ini:24',
      'sockets = web                                      ; a.ini:25',
      'stop_signal = 35                                   ; a.ini:26',
      'hooks.before_start = a.b, true                     ; a.ini:27',
      'working_dir = /h                                   ; a.ini:28',
      'env.A = /h/x                                       ; a.ini:8',
      '# defaults:',
      'numprocesses = 1',
      'warmup_delay = 0',
    ]);
  });

  it('has the switches of [circus] as sections of the plugins that they mean', () => {
    const text = show(build(sample));
    assert.ok(text.startsWith('[circus]\numask = 022'));
    assert.match(text, /\[plugin:httpd\]\nport = 8081 +; a\.ini:4\n# defaults:\nuse = httpd/);
    assert.match(
      text,
      /\[plugin:calm\]\nuse = circus\.plugins\.flapping\.Flapping +; a\.ini:35\nattempts = 3 +; a\.ini:36\npriority = 4/,
    );
    assert.ok(text.includes('[plugin:controller]\nstats_endpoint = tcp://127.0.0.1:1'));
  });

  it('can be shown in part', () => {
    assert.deepEqual(show(build(sample), 'ini', 'unix').split('\n').slice(0, 3), [
      '[socket:unix]',
      'path = /run/x                                      ; a.ini:15',
      'port = 80                                          ; a.ini:16',
    ]);
    assert.equal(Object.keys(JSON.parse(show(build(sample), 'json', 'New')) as object).join(), '');
    assert.equal(Object.keys(JSON.parse(show(build(sample), 'json', 'Old')) as object).join(), 'watchers');
  });

  for (const format of formats) {
    it(`reads back the same from ${format}`, function () {
      if (format === 'yaml' && !yamlIsThere) this.skip();
      const before = build(sample);
      const text = show(before, format);
      const after = build(text, `b.${format}`);
      assert.deepEqual(
        after.problems.filter(({ severity }) => severity === 'error'),
        [],
      );
      assert.deepEqual(essence(after), essence(before));
      assert.equal(stripped(show(after, format)), stripped(text));
    });

    it(`reads back the same from ${format}, whatever is written`, function () {
      if (format === 'yaml' && !yamlIsThere) this.skip();
      this.timeout(full ? 0 : 20_000);
      const property = fc.property(fc.array(watcher, { minLength: 1, maxLength: 3 }), (watchers) => {
        const before = build(JSON.stringify({ watchers: Object.fromEntries(watchers) }), 'a.json');
        const text = show(before, format);
        // INI has no notation for all texts, and then says so.
        if (format === 'ini' && text.includes('" cannot be written in INI: ')) return;
        const after = build(text, `b.${format}`);
        assert.deepEqual(essence(after), essence(before), text);
      });
      fc.assert(property, { numRuns: full ? 20_000 : 300 });
    });
  }

  it('tells what INI has no notation for', () => {
    const text = show(build('[watcher:w]\ncmd = x\nenv.A = $(circus.env.OTHER)'));
    assert.match(text, /\n# "env\.A" cannot be written in INI: --format json can\n/);
  });

  it('does not take two quotes for an empty value', () => {
    const before = build(JSON.stringify({ watchers: { w: { cmd: 'x', env: { A: '""', B: '', C: '"' } } } }), 'a.json');
    assert.match(show(before), /\n# "env\.A" cannot be written in INI: --format json can\n/);
    for (const format of ['ini', 'json'] as const) {
      const { env } = build(show(before, format), `b.${format}`).watchers[0]!.spec;
      assert.deepEqual(env, { ...(format === 'json' && { A: '""' }), B: '', C: '"' });
    }
  });

  it('keeps dollars that variables would be made of when it is read again', () => {
    const before = build(
      '[watcher:w]\ncmd = x $(circus.wid) ${A}\nenv.A = $(circus.env.TRICK)\nexpand = shell\n[env]\nB = $$HOME',
    );
    assert.deepEqual(before.watchers[0]?.spec.env, { A: '$HOME ${HOME} $$', B: '$HOME' });
    for (const format of ['ini', 'json'] as const) {
      assert.deepEqual(essence(build(show(before, format), `b.${format}`)), essence(before));
    }
  });
});

/** Without the places. */
function stripped(text: string): string {
  return text
    .replace(/ +[;#] \S+:\d+$/gm, '')
    .replace(/^# \S+:\d+:\n/gm, '')
    .replace(/^# defaults:\n/gm, '')
    .split('\n')
    .sort()
    .join('\n');
}

const unit = fc.constantFrom(
  ...'ab1 -.,:;=#[]"\'\\$(){}äλ\n\t'.match(/./gsu)!,
  '$HOME',
  '${HOME}',
  '$(circus.wid)',
  '$$',
  '😀',
);
const text = fc.string({ unit, maxLength: 10 });
const name = fc
  .string({ unit: fc.constantFrom(...'ab1-. ,[]*?"\'#;='), minLength: 1, maxLength: 6 })
  .filter((one) => one !== '*');
const options = fc.record(
  {
    cmd: fc.constantFrom('run', 'sh -c "a; b"', 'x ; y').chain((one) => text.map((more) => one + more)),
    args: fc.oneof(text, fc.array(text, { maxLength: 3 })),
    numprocesses: fc.nat({ max: 3 }),
    graceful_timeout: fc.constantFrom(1, 2.5, '1m', '500ms'),
    copy_env: fc.boolean(),
    expand: fc.constantFrom('shell', 'circus'),
    working_dir: text,
    mine: text,
    'flapping.window': fc.constantFrom('1s', 3),
    env: fc.dictionary(fc.constantFrom('A', 'B', 'c.d', 'HOME'), text),
    stop_signal: fc.constantFrom('INT', 15, 'RTMIN+2'),
    rlimit_nofile: fc.constantFrom('', '1K', 10),
  },
  { requiredKeys: ['cmd'] },
);
const watcher = fc.tuple(name, options);
