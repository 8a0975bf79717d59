/** Plugins that cannot run in processes of their own: one line each, with the place, and all else runs. */
import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { circusdPerTest } from '../support/circusd.js';
import { installPackages } from '../support/packages.js';
import { inRoot } from '../support/paths.js';
import { python } from '../support/python.js';
import { temporaryPerTest } from '../support/temporary.js';
import { circusd, linesOf } from './program.js';

const interpreter = '/usr/bin/python3';
const pythonPath = { PYTHONPATH: inRoot('test/fixtures/python'), PYTHONDONTWRITEBYTECODE: '1' };
const watchers = '[watcher:trigger]\ncmd = sleep 600\n[watcher:spare]\ncmd = sleep 600\nautostart = False\n';
const witness = `[plugin:w]\nuse = witness.Witness\npython = ${interpreter}\nfile = notes\n`;
const seer = '[plugin:s]\nuse = circusd-plugin-seer\nisolate = process\nfile = notes\n';

describe('a plugin that cannot run in a process of its own', function () {
  this.timeout(30_000);
  const folder = temporaryPerTest();
  const startDaemon = circusdPerTest();
  before('look for Python', () => python(''));

  async function check(ini: string, env: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
    folder.write('a.ini', ini);
    const { stderr } = await circusd(
      { cwd: folder.path, env: { NODE_OPTIONS: '--preserve-symlinks', ...env } },
      '--check',
      'a.ini',
    );
    return linesOf(stderr);
  }

  /** A package of that name that is not Circus's: whatever else Python has, it finds this one first. */
  const without = () => {
    folder.write('not-circus/circus.py', '');
    return { PYTHONPATH: join(folder.path, 'not-circus'), PYTHONDONTWRITEBYTECODE: '1' };
  };

  const faults: readonly (readonly [string, string, RegExp])[] = [
    [
      'one that answers the daemon',
      '[plugin:f]\nuse = flapping\nisolate = process\n',
      /^error: a\.ini:3:11: plugin "flapping" works inside the daemon only: take "isolate" away; \[plugin:f\] is left out$/,
    ],
    [
      'a package for the daemon itself',
      '[plugin:g]\nuse = circusd-plugin-greeter\nisolate = process\n',
      /^error: a\.ini:2:7: plugin ".*greeter.*" works inside the daemon only: take "isolate = process" away; \[plugin:g\] is left out$/,
    ],
    [
      'one that is for a process and does not say so',
      '[plugin:s]\nuse = circusd-plugin-seer\nfile = x\n',
      /^error: a\.ini:2:7: plugin "circusd-plugin-seer" runs in a process of its own: write "isolate = process" into its section; /,
    ],
    [
      'one with an unknown option',
      `${seer}txet = 1\n`,
      /^error: a\.ini:5:8: option "txet" of plugin "s": there is no such option; \[plugin:s\] is left out$/,
    ],
    [
      'one that is not there',
      '[plugin:s]\nuse = no-such\nisolate = process\n',
      /^error: a\.ini:2:7: plugin "no-such" is neither/,
    ],
    [
      'another way to isolate',
      '[plugin:s]\nuse = x\nisolate = thread\n',
      /^error: a\.ini:3:11: "isolate" must be process, and is "thread"/,
    ],
    [
      'a wrong option of its watcher',
      `${seer}numprocesses = 2\n`,
      /^error: a\.ini:5:16: "numprocesses" is 2, but a singleton/,
    ],
    [
      'a second watcher of its name',
      `${seer}[watcher:plugin:s]\ncmd = sleep 1\n`,
      /^error: a\.ini:1:1: watcher "plugin:s" has the same name as \[watcher:plugin:s\]/,
    ],
    [
      'a daemon without a controller',
      `[circus]\nendpoint =\n${seer}`,
      /^error: a\.ini:4:7: plugin "circusd-plugin-seer" needs the controller, which this configuration does not have/,
    ],
    [
      'a daemon at an open port',
      `[circus]\nendpoint = tcp://127.0.0.1:*\n${seer}`,
      /^error: a\.ini:4:7: plugin "circusd-plugin-seer" can't be told where the daemon is, as "tcp:\/\/127\.0\.0\.1:\*"/,
    ],
  ];
  for (const [title, ini, expected] of faults) {
    it(`is told with its place: ${title}`, async () => {
      installPackages(folder.path);
      const lines = await check(ini);
      assert.equal(lines.length, 1, lines.join('\n'));
      assert.match(lines[0]!, expected);
    });
  }

  it('is refused at its "use" without the package of Circus, by --check and by a daemon that runs all else', async () => {
    const env = without();
    const expected =
      /a\.ini:2:7: plugin "my\.Plugin" is neither one of ours.*, and as a Python class it needs Python's package "circus", which \/usr\/bin\/python3 can't import \(ImportError: .*\); \[plugin:p\] is left out$/;
    const ini = `[plugin:p]\nuse = my.Plugin\npython = ${interpreter}\n${watchers}`;
    const lines = await check(ini, env);
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.match(lines[0]!, expected);
    const daemon = await startDaemon(ini, { env });
    assert.deepEqual(((await daemon.json('list')) as { readonly watchers: readonly string[] }).watchers, [
      'spare',
      'trigger',
    ]);
    assert.match(daemon.log, /plugin \\"my\.Plugin\\" is neither.*Python's package \\"circus\\"/);
  });

  it('is refused when it breaks off the look at it, whatever it prints', async () => {
    folder.write('quit.mjs', `console.log('{ hello');\nconsole.log('null');\nprocess.exit(9);\n`);
    const [line, ...more] = await check('[plugin:p]\nuse = ./quit.mjs\nisolate = process\n');
    assert.deepEqual(more, []);
    assert.match(line!, /a\.ini:2:7: plugin "\.\/quit\.mjs" can't be looked at: /);
    folder.write('quit.py', `raise SystemExit(7)\n`);
    const env = { ...pythonPath, PYTHONPATH: `${pythonPath.PYTHONPATH}:${folder.path}` };
    const [python] = await check(`[plugin:p]\nuse = quit.Plugin\npython = ${interpreter}\n`, env);
    assert.match(python!, /a\.ini:2:7: .* it can't be looked at by \/usr\/bin\/python3 /);
  });

  it('is refused when its class, or its Python, is not there', async () => {
    const section = (use: string, more: string) => `[plugin:p]\nuse = ${use}\npython = ${more}\n`;
    const [noClass] = await check(section('witness:Nobody', interpreter), pythonPath);
    assert.match(noClass!, /a\.ini:2:7: .* it can't be imported by \/usr\/bin\/python3 \(AttributeError: .*Nobody/);
    const [noPython] = await check(section('witness.Witness', 'no-python'), pythonPath);
    assert.match(noPython!, /a\.ini:2:7: .* it needs Python: .*"no-python"/);
  });

  it('is not looked at with the rights of the daemon when it is to have fewer', async () => {
    folder.write(
      'told.mjs',
      "import { writeFileSync } from 'node:fs';\nwriteFileSync('looked', '');\nexport default {};\n",
    );
    const ini = '[plugin:p]\nuse = ./told.mjs\nisolate = process\n';
    assert.match((await check(ini)).join('\n'), /"run" is not a function/);
    rmSync(join(folder.path, 'looked'));
    assert.deepEqual(await check(`${ini}uid = nobody\n`), []);
    assert.ok(!existsSync(join(folder.path, 'looked')));
  });

  it('is only warned of when it is one of Circus that this version is to have', async () => {
    const lines = await check(
      `[plugin:p]\nuse = circus.plugins.statsd.FullStats\npython = ${interpreter}\n`,
      without(),
    );
    assert.match(
      lines.join('\n'),
      /^warning: a\.ini:2:7: this version has no plugin "full-stats" yet.*package "circus".*left out$/,
    );
  });

  it('is warned of when the form of Circus cannot hold a value', async () => {
    const lines = await check(`${witness}text = a:::b\n`, pythonPath);
    assert.match(lines.join('\n'), /^warning: a\.ini:5:8: "text" does not reach the plugin as it is: /);
  });
});
