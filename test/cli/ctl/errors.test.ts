import assert from 'node:assert/strict';
import { run as runHere } from '../../../cli/ctl/run.js';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { startCircusd, type Circusd } from '../../support/circusd.js';
import { program } from '../../support/paths.js';
import { run, type Ran } from '../../support/run.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { bareEnvironment, circusctl } from './circusctl.js';

const { version } = createRequire(import.meta.url)('circusd/package.json') as { version: string };

/** How circusctl failed; nothing may have been printed to stdout. */
const failure = ({ code, stdout, stderr }: Ran): [number, string] => {
  assert.equal(stdout, '');
  return [code, stderr];
};

describe('circusctl, when something is wrong', () => {
  const folder = temporaryPerTest();
  const fails = async (...args: readonly string[]) => failure(await circusctl(folder.path, args));

  it('tells of wrong usage with exit code 2', async () => {
    assert.deepEqual(await fails('strat'), [2, 'error: unknown command "strat" (did you mean "start"?)\n']);
    assert.deepEqual(await fails('\x1b[2J'), [2, 'error: unknown command "?[2J"\n']);
    assert.deepEqual(await fails('help', 'strat'), [2, 'error: unknown command "strat" (did you mean "start"?)\n']);
    assert.deepEqual(await fails('start', '--mach=x'), [
      2,
      'error: unknown option "--mach" of start (did you mean "--match"?)\n',
    ]);
    assert.deepEqual(await fails('--endpoint', 'localhost', 'status'), [
      2,
      'error: "localhost" is no endpoint: it is tcp://HOST:PORT or ipc://PATH\n',
    ]);
  });

  it('tells of wrong arguments with exit code 1', async () => {
    const [code, told] = await fails('rm');
    assert.equal(code, 1);
    assert.equal(told, 'Invalid number of arguments\n');
    assert.deepEqual(await fails('set', 'web', 'nope', '1'), [1, "unknown key 'nope'\n"]);
  });

  it('adds the usage where a person reads it', async () => {
    let told = '';
    const output = { out: () => undefined, err: (text: string) => void (told += text), isTerminal: true };
    assert.equal(await runHere(['rm'], output), 1);
    assert.match(told, /^Invalid number of arguments\nUsage: circusctl \[options\] rm NAME/);
  });

  it('says that no daemon is running, and what to do', async () => {
    const advice =
      'start one with "circusd FILE", or name another endpoint with --endpoint ' +
      "(in Circus's configurations mostly tcp://127.0.0.1:5555)\n";
    assert.deepEqual(await fails('status'), [
      1,
      `error: no daemon is running at ${folder.path}/control.sock: ${advice}`,
    ]);
    assert.deepEqual(await fails('listen'), [
      1,
      `error: no daemon is running at ${folder.path}/control.sock: ${advice}`,
    ]);
    assert.deepEqual(await fails('--endpoint', `ipc://${folder.path}/x`, 'quit'), [
      1,
      `error: no daemon is running at ${folder.path}/x: ${advice}`,
    ]);
  });

  it('says so as well when a dead daemon left its socket', async () => {
    const socket = `${folder.path}/control.sock`;
    const leave = `const s = require('net').createServer().listen('${socket}', () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', leave]);
    const [code, stderr] = await fails('--timeout', '10', 'status');
    assert.equal(code, 1);
    assert.match(stderr, /^error: no daemon is running at .*\/control\.sock: start one/);
  });

  it('says when the socket is for another user', async function () {
    if (process.getuid?.() !== 0) return this.skip();
    // The folder is for its owner only.
    const words = ['--reuid=65534', '--clear-groups', process.execPath, program('circusctl'), 'status'];
    const ran = await run('setpriv', words, { env: bareEnvironment(folder.path) });
    assert.deepEqual(failure(ran), [
      1,
      `error: ${folder.path}/control.sock may not be used by this user: be the one who runs the daemon\n`,
    ]);
  });

  it('asks nobody who is neither this user nor root, unless only they can have let him', async function () {
    if (process.getuid?.() !== 0) return this.skip();
    const path = `${folder.path}/theirs/socket`;
    mkdirSync(`${folder.path}/theirs`);
    writeFileSync(path, '');
    chownSync(path, 65534, -1);
    const [, trusted] = await fails('--endpoint', `ipc://${path}`, 'status');
    assert.match(trusted, /^error: no daemon is running at/);
    for (const [mode, uid] of [
      [0o1777, 0],
      [0o775, 0],
      [0o700, 65534],
    ] as const) {
      chownSync(`${folder.path}/theirs`, uid, -1);
      chmodSync(`${folder.path}/theirs`, mode);
      for (const command of ['status', 'listen'])
        assert.deepEqual(await fails('--endpoint', `ipc://${path}`, command), [
          1,
          `error: ${path} belongs to user 65534, who is neither you nor root: be that user to ask him\n`,
        ]);
    }
  });

  it('takes its endpoint from the environment', async () => {
    const env = { CIRCUSCTL_ENDPOINT: `ipc://${folder.path}/from-env` };
    const [, stderr] = failure(await circusctl(folder.path, ['status'], { env }));
    assert.match(stderr, /no daemon is running at .*\/from-env:/);
    const [code] = failure(await circusctl(folder.path, ['status'], { env: { CIRCUSCTL_ENDPOINT: 'nonsense' } }));
    assert.equal(code, 2);
  });

  it('tells of a port where nobody listens', async () => {
    const [code, stderr] = await fails('--timeout', '0.3', '--endpoint', 'tcp://127.0.0.1:1', 'stop');
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^Timed out\.\nNobody could be reached at tcp:\/\/127\.0\.0\.1:1 within 0\.3 s, so nothing was/,
    );
  });

  it('with --json tells it on the standard output too', async () => {
    const all: readonly (readonly [number, string[], RegExp])[] = [
      [2, ['strat'], /^unknown command "strat"/],
      [1, ['rm'], /^Invalid number of arguments/],
      [1, ['status'], /^no daemon is running at/],
    ];
    for (const [code, args, reason] of all) {
      const ran = await circusctl(folder.path, ['--json', ...args]);
      assert.equal(ran.code, code);
      assert.match(ran.stderr, new RegExp(reason.source.replace('^', '^(error: )?'), 'm'));
      assert.equal(ran.stdout.split('\n').length, 2);
      const { time, reason: told, ...rest } = JSON.parse(ran.stdout) as Record<string, unknown>;
      assert.equal(typeof time, 'number');
      assert.match(String(told), reason);
      assert.deepEqual(rest, { status: 'error', tb: null, errno: 0, id: null });
    }
  });

  it('prints help and version all the same', async () => {
    const said = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await circusctl(folder.path, args);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      return stdout;
    };
    assert.equal(await said('--version'), `circusctl ${version}\n`);
    assert.match(await said('--help'), /^Usage: circusctl \[options\] \[COMMAND/);
    assert.equal(await said('help'), await said('-h'));
    assert.match(await said('help', 'incr'), /^Usage: circusctl \[options\] incr NAME \[NB\] \[--waiting\]\n/);
    assert.equal(await said('incr', '--help'), await said('help', 'incr'));
    assert.equal(await said('--help', 'incr'), await said('help', 'incr'));
  });

  it('never says anything about a reader that went away', async () => {
    const command = `${process.execPath} ${program('circusctl')} --help`;
    const { stderr, stdout } = await run('sh', ['-c', `(${command}; echo "code $?" >&2) | head -0`], {
      env: bareEnvironment(folder.path),
    });
    assert.deepEqual({ stdout, stderr }, { stdout: '', stderr: 'code 0\n' });
  });

  it('says when its package is not there', async () => {
    // A folder in which the package can't be found: the program alone, without node_modules.
    mkdirSync(`${folder.path}/dist`);
    const copy = `cp -r ${program('circusctl').replace('/cli/circusctl.js', '')} ${folder.path}/`;
    spawnSync('sh', [
      '-c',
      `${copy}; echo '{"type":"module"}' > ${folder.path}/package.json; touch ${folder.path}/control.sock`,
    ]);
    const { code, stderr } = await run(process.execPath, [`${folder.path}/dist/cli/circusctl.js`, 'status'], {
      env: bareEnvironment(folder.path),
    });
    assert.equal(code, 1);
    assert.match(stderr, /^error: package "zeromq" could not be loaded: Cannot find module 'zeromq'\n$/);
  });
});

describe('circusctl, refused by a daemon', () => {
  let daemon: Circusd;
  before('start a daemon', async () => {
    daemon = await startCircusd('[watcher:web]\ncmd = sleep 3600\n');
  });
  after('stop it', async () => {
    await daemon.stop();
  });

  it('prints the reason and ends with 3', async () => {
    const refused = async (...args: readonly string[]) => failure(await daemon.ctl(...args));
    for (const command of [
      'status',
      'list',
      'options',
      'start',
      'stop',
      'reload',
      'rm',
      'incr',
      'stats',
      'numprocesses',
    ])
      assert.deepEqual(await refused(command, 'ghost'), [3, 'error: program ghost not found\n'], command);
    assert.deepEqual(await refused('get', 'web', 'nope'), [3, "error: 'nope' option not found\n"]);
    assert.deepEqual(await refused('globaloptions', 'nope'), [3, "'nope' not an existing option\n"]);
    assert.deepEqual(await refused('stats', 'web', '999999'), [3, "error: process 999999 not found in 'web'\n"]);
    assert.deepEqual(await refused('start', '--match', 'magic', 'web'), [3, 'error: unknown match method magic\n']);
    assert.equal((await refused('add', 'web', 'true'))[0], 3);
    assert.equal((await refused('signal', 'web', 'nope'))[0], 3);
  });

  it('prints the reply with --json, and ends with 3 as well', async () => {
    const { code, stdout, stderr } = await daemon.ctl('--json', 'status', 'ghost');
    assert.equal(code, 3);
    assert.equal(stderr, 'error: program ghost not found\n');
    const { errno, status, reason } = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual({ errno, status, reason }, { errno: 3, status: 'error', reason: 'program ghost not found' });
  });

  it('prettifies JSON, and only that', async () => {
    assert.equal((await daemon.ctl('--prettify', 'status', 'web')).stdout, 'active\n');
    const { stdout } = await daemon.ctl('--json', '--prettify', 'numwatchers');
    assert.match(
      stdout,
      /^\{\n {2}"id": "[0-9a-f]{32}",\n {2}"numwatchers": 1,\n {2}"status": "ok",\n {2}"time": [\d.]+\n\}\n$/,
    );
  });

  it('loses no words about a broken pipe', async () => {
    const command = `${process.execPath} ${program('circusctl')} --endpoint ${daemon.endpoint} options web`;
    const { stderr } = await run('sh', ['-c', `(${command}; echo "code $?" >&2) | head -0`]);
    assert.equal(stderr, 'code 0\n');
  });
});
