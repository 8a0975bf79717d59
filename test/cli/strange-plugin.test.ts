/** Plugins that do what no plugin should: the daemon says so, and goes on. */
import assert from 'node:assert/strict';
import { temporaryPerTest } from '../support/temporary.js';
import { circusctl, circusd, daemonPerTest, linesOf } from './program.js';

const plugin = (more: string) => `export default { name: 'strange', apply() {}, ${more} };\n`;
const deaf = 'await new Promise(() => {});\nexport default {};\n';
const undecided = plugin(
  `options: { '~standard': { version: 1, vendor: 'x', validate: () => new Promise(() => {}) } }`,
);

describe('a strange plugin', function () {
  this.timeout(60_000);
  const folder = temporaryPerTest();
  const place = () => ({ cwd: folder.path });
  const start = daemonPerTest();

  it('whose module or validator never comes to an end is an error at its "use"', async () => {
    folder.write('deaf.mjs', deaf);
    folder.write('undecided.mjs', undecided);
    folder.write('a.ini', '[plugin:a]\nuse = ./deaf.mjs\n[plugin:b]\nuse = ./undecided.mjs\nx = 1\n');
    const { code, stderr } = await circusd(place(), '--check', 'a.ini');
    assert.deepEqual(linesOf(stderr), [
      'error: a.ini:2:7: plugin "./deaf.mjs" could not be imported: its module has not come to an end within 10 s; [plugin:a] is left out',
      'error: a.ini:4:7: the check of the options of plugin "strange" has not come to an end within 10 s; [plugin:b] is left out',
    ]);
    assert.equal(code, 1);
  });

  it('that comes with a later reading holds up neither that nor the next one', async () => {
    const sound = '[watcher:a]\ncmd = sleep 600\n';
    folder.write('a.ini', sound);
    folder.write('deaf.mjs', `setInterval(() => {}, 1000);\n${deaf}`);
    const daemon = await start(place(), ['a.ini'], 'a started');
    folder.write('a.ini', `${sound}[plugin:x]\nuse = ./deaf.mjs\n[watcher:b]\ncmd = sleep 600\n`);
    const first = await circusctl(place(), '--timeout', '30', 'reloadconfig', '--waiting');
    assert.equal(first.code, 3, first.stderr);
    assert.match(first.stderr, /a\.ini:4:7: plugin "\.\/deaf\.mjs" could not be imported/);
    await daemon.says('b started');
    folder.write('a.ini', sound);
    const second = await circusctl(place(), 'reloadconfig', '--waiting');
    assert.equal(second.code, 0, second.stderr);
    await daemon.says('b stopped');
  });

  it('may throw what cannot be looked at', async () => {
    const thrown = [
      'null',
      'undefined',
      'Object.create(null)',
      '{ get stack() { throw 1 } }',
      'new Proxy({}, { get() { throw 1 } })',
    ];
    const lines = thrown.flatMap((what) => [
      `setTimeout(() => { throw ${what === '{ get stack() { throw 1 } }' ? `(${what})` : what}; });`,
      `setTimeout(() => void Promise.reject(${what}));`,
    ]);
    folder.write('a.mjs', plugin('').replace('apply() {}', `apply() { ${lines.join('\n')} }`));
    folder.write('a.ini', '[plugin:x]\nuse = ./a.mjs\n[watcher:a]\ncmd = sleep 600\n');
    const daemon = await start(place(), ['a.ini'], 'a started');
    for (const what of ['uncaught: null', 'unhandled rejection: null']) await daemon.says(what);
    const { stdout } = await circusctl(place(), 'numwatchers');
    assert.equal(stdout, '1\n');
    assert.equal(daemon.output.match(/"msg":"(?:uncaught|unhandled rejection): /g)?.length, 10, daemon.output);
    assert.equal(await daemon.stop(), 0);
  });
});
