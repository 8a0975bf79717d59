import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { startCircusd, type Circusd } from '../../support/circusd.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { circusctl } from './circusctl.js';

const { version } = createRequire(import.meta.url)('circusd/package.json') as { version: string };

describe('the shell of circusctl', () => {
  const folder = temporaryPerTest();
  let daemon: Circusd;
  before('start a daemon', async () => {
    daemon = await startCircusd('[watcher:web]\ncmd = sleep 3600\n[watcher:idle]\ncmd = sleep 1\nautostart = False\n');
  });
  after('stop it', async () => {
    await daemon.stop();
  });

  const greeting = `circusctl ${version}\nidle: stopped\nweb: active\n`;
  /** What came after the greeting, given these lines; errors apart. */
  async function session(
    lines: readonly string[],
    ...args: readonly string[]
  ): Promise<{ said: string; wrong: string }> {
    const input = lines.map((line) => `${line}\n`).join('');
    const { code, stdout, stderr } = await circusctl(folder.path, ['--endpoint', daemon.endpoint, ...args], { input });
    assert.equal(code, 0);
    assert.ok(stdout.startsWith(greeting) || args.length > 0, stdout);
    return { said: stdout.slice(greeting.length), wrong: stderr };
  }

  it('greets with the version and the status, and leaves at the end of its input', async () => {
    assert.deepEqual(await session([]), { said: '(circusctl) \n', wrong: '' });
  });

  it('carries out commands as the command line does', async () => {
    const { said, wrong } = await session(['status web', 'numwatchers', 'get web cmd', '  list  ']);
    assert.equal(
      said,
      '(circusctl) active\n(circusctl) 2\n(circusctl) cmd: sleep 3600\n(circusctl) idle,web\n(circusctl) \n',
    );
    assert.equal(wrong, '');
  });

  it('understands quotes', async () => {
    const { said, wrong } = await session(["set idle cmd 'sleep  7' --waiting", 'get idle cmd', 'get "idle']);
    assert.equal(said, '(circusctl) ok\n(circusctl) cmd: sleep  7\n(circusctl) (circusctl) \n');
    assert.match(wrong, /^error: .+\n$/);
  });

  it('goes on after an error', async () => {
    const { said, wrong } = await session(['stop --wating', 'status ghost', 'rm', 'numwatchers']);
    assert.equal(said, '(circusctl) (circusctl) (circusctl) (circusctl) 2\n(circusctl) \n');
    assert.equal(
      wrong,
      'error: unknown option "--wating" of stop (did you mean "--waiting"?)\nerror: program ghost not found\n' +
        'Invalid number of arguments\n',
    );
  });

  it('knows what it does not know', async () => {
    const { said } = await session(['strat web', 'frobnicate it']);
    assert.equal(
      said,
      '(circusctl) *** Unknown syntax: strat web (did you mean "start"?)\n' +
        '(circusctl) *** Unknown syntax: frobnicate it\n(circusctl) \n',
    );
  });

  it('leaves at EOF, also when it is written', async () => {
    const { said } = await session(['numwatchers', 'EOF', 'numprocesses']);
    assert.equal(said, '(circusctl) 2\n(circusctl) \n');
  });

  it('repeats the last question at an empty line, and never a change', async () => {
    const { said } = await session(['', 'numwatchers', '', 'incr web --waiting', '', 'numprocesses web']);
    assert.equal(
      said,
      '(circusctl) (circusctl) 2\n(circusctl) 2\n(circusctl) 2\n(circusctl) (circusctl) 2\n(circusctl) \n',
    );
    await daemon.ctl('decr', 'web', '--waiting');
  });

  it('helps', async () => {
    const { said } = await session(['help', 'help incr']);
    assert.match(said, /^\(circusctl\) Usage: circusctl \[options\] \[COMMAND/);
    assert.match(said, /\n\(circusctl\) Usage: circusctl \[options\] incr NAME/);
  });

  it('keeps the options that it was started with', async () => {
    const { said } = await session(['numwatchers'], '--json');
    assert.match(said, /\(circusctl\) \{"status":"ok",.*"numwatchers":2.*\}\n\(circusctl\) \n$/);
  });

  it('starts without a daemon too, and says so', async () => {
    const { code, stdout, stderr } = await circusctl(folder.path, [], { input: 'help list\n' });
    assert.equal(code, 0);
    assert.match(stderr, /^error: no daemon is running at/);
    assert.match(stdout, /^circusctl .*\n\(circusctl\) Usage: /);
  });
});
