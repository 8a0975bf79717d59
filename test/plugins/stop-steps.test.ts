import assert from 'node:assert/strict';
import { readStopSteps } from '#plugins/stop-steps.js';
import { runCircusd, type Circusd } from '../support/circusd.js';
import { eventually } from '../support/eventually.js';
import { fixture } from '../support/paths.js';
import { temporaryPerTest } from '../support/temporary.js';
import { daemonPerTest } from './daemon.js';

describe('the text of stop_steps', () => {
  it('is signals with their seconds, in any notation', () => {
    assert.deepEqual(readStopSteps('TERM 10, INT 5, KILL'), ['TERM 10', 'INT 5', 'KILL']);
    assert.deepEqual(readStopSteps(' sigterm 1m30s,2 .5 , 9'), ['TERM 90', 'INT 0.5', 'KILL']);
    assert.deepEqual(readStopSteps('RTMIN+1 1, usr1   500ms'), ['35 1', 'USR1 0.5']);
    assert.deepEqual(readStopSteps('CLD 5, SIGRTMAX-1 1e1'), ['CHLD 5', '63 10']);
    assert.deepEqual(readStopSteps('KILL'), ['KILL']);
    assert.deepEqual(readStopSteps('TERM 0.0000001, INT 1.0005'), ['TERM 0', 'INT 1.001']);
    assert.deepEqual(readStopSteps('  '), []);
  });

  it('is read from what was made of it', () => {
    const steps = readStopSteps('TERM 1m, RTMAX 2, INT 0, KILL');
    assert.deepEqual(readStopSteps(steps.join(', ')), steps);
  });

  it('is refused with the step that is wrong, and why', () => {
    const refused = (text: string, message: RegExp) => assert.throws(() => readStopSteps(text), { message });
    refused('TREM 10, KILL', /^has the step "TREM 10", and "TREM" is no signal \(did you mean "TERM"\?\)$/);
    for (const none of ['0 10', '65 10', '-1 10', 'SIGNONE 1']) refused(none, /is no signal/);
    refused('TERM 10, INT, KILL', /^has the step "INT", which needs the seconds after it, such as "INT 10"$/);
    refused('TERM soon', /^has the step "TERM soon", and "soon" is no number of seconds, or time such as 1m30s$/);
    for (const time of ['-1', '1e999', 'Infinity', '10 5', '9999999999', '99999999999h'])
      refused(`TERM ${time}`, /is no number of seconds/);
    refused('KILL 5', /^has the step "KILL 5", and KILL takes no time/);
    refused('KILL, TERM 5', /^has a step after KILL/);
    refused(Array(17).fill('TERM 0').join(','), /^has 17 steps, and 16 is the most$/);
    for (const text of ['TERM 10,', ',', 'TERM 1,,KILL']) refused(text, /^has an empty step$/);
  });
});

const notes = (name: string, signals: string) => `${fixture('note-signals.sh')} ${name} ${signals}`;

describe('stop_steps in a real daemon', () => {
  const start = daemonPerTest();
  const temporary = temporaryPerTest();
  const ready = ({ log }: Circusd) => log.includes('waiting for commands') && log.includes('web ready');
  const lines = ({ log }: Circusd, name: string) =>
    log.split('\n').flatMap((line) => new RegExp(`^${name} (\\w+)$`).exec(line)?.[1] ?? []);
  const ok = async (daemon: Circusd, ...words: readonly string[]) => {
    const { code, stderr } = await daemon.ctl(...words);
    assert.equal(code, 0, stderr);
  };

  it('a step that is wrong is an error with its place; what has no effect beside them is a warning', async () => {
    const wrong = temporary.write('a.ini', '[watcher:a]\ncmd = sleep 1\nstop_steps = TERM 10, IMT 5\n');
    const { code, stderr } = await runCircusd(['--check', wrong]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^error: .*a\.ini:3:14: "stop_steps" has the step "IMT 5", and "IMT" is no signal \(did you mean "INT"\?\); \[watcher:a\] is left out$/m,
    );
    const both = temporary.write('b.ini', '[watcher:a]\ncmd = sleep 1\nstop_steps = TERM 1\nstop_signal = INT\n');
    assert.match(
      (await runCircusd(['--check', both])).stderr,
      /b\.ini:4:\d+: "stop_signal" has no effect beside "stop_steps"/,
    );
    const shown = await runCircusd(['--show-config', both]);
    assert.match(shown.stdout, /^stop_steps = TERM 1 /m);
  });

  it('stop, restart, reload and decr go through them', async () => {
    const ini = `
[watcher:web]
cmd = ${notes('web', 'TERM INT')}
stop_steps = TERM 0.1, INT 0.1, KILL
ready_after = 0
`;
    const daemon = await start(ini, { ready });
    const both = ['TERM', 'INT'];
    let expected: readonly string[] = ['ready'];
    const told = async (...more: readonly string[]) => {
      expected = [...expected, ...more].sort();
      await eventually(() => assert.deepEqual(lines(daemon, 'web').sort(), expected));
    };
    await ok(daemon, 'restart', 'web', '--waiting');
    await told(...both, 'ready');
    await ok(daemon, 'reload', 'web', '--waiting');
    await told(...both, 'ready');
    await ok(daemon, 'incr', 'web', '--waiting');
    await told('ready');
    await ok(daemon, 'decr', 'web', '--waiting');
    await told(...both);
    const [pid] = ((await daemon.json('list', 'web')) as { pids: number[] }).pids;
    await ok(daemon, 'stop', 'web', '--waiting');
    await told(...both);
    const { exits } = (await daemon.json('history', 'web')) as { exits: { pid: number; reason: string }[] };
    assert.equal(exits.find((end) => end.pid === pid)!.reason, 'killed after grace');
  });

  it('can be set, added, read and explained', async () => {
    const ini = `[watcher:web]\ncmd = ${notes('web', 'TERM INT')}\ngraceful_timeout = 60\n`;
    const daemon = await start(ini, { ready });
    const explained = async () => (await daemon.ctl('explain', 'web')).stdout;
    assert.match(await explained(), /^A stop sends SIGTERM, SIGKILL after 60 s; .*\(subreaper\)\.$/m);
    await ok(daemon, 'set', 'web', 'stop_steps', 'TERM 100ms, INT 0.1, KILL', '--waiting');
    const { options } = (await daemon.json('get', 'web', 'stop_steps')) as { options: object };
    assert.deepEqual(options, { stop_steps: ['TERM 0.1', 'INT 0.1', 'KILL'] });
    assert.match(await explained(), /^A stop sends SIGTERM, SIGINT after 0\.1 s, SIGKILL after 0\.2 s; /m);
    await ok(daemon, 'stop', 'web', '--waiting');
    assert.deepEqual(lines(daemon, 'web'), ['ready', 'TERM', 'INT']);
    const wrong = await daemon.ctl('set', 'web', 'stop_steps', 'KILL, TERM 5');
    assert.match(wrong.stderr, /'stop_steps' has a step after KILL/);
    const plan = await daemon.ctl('plan');
    assert.match(plan.stdout, /stop_steps/);
  });
});

describe('a daemon that may not be a subreaper', () => {
  const start = daemonPerTest();

  it('says that it ends process groups, and does', async () => {
    const through = [fixture('without-subreaper.py')];
    const daemon = await start(`[watcher:web]\ncmd = sh -c 'sleep 600 & setsid sleep 600 & exec sleep 601'\n`, {
      through,
    });
    await eventually(async () => assert.match((await daemon.ctl('explain', 'web')).stdout, /\(process group\)\.$/m));
    await eventually(() => assert.equal(daemon.descendants().length, 3));
    await ok(daemon);
    assert.deepEqual(daemon.descendants(), []);
  });

  const ok = async (daemon: Circusd) => assert.equal((await daemon.ctl('stop', 'web', '--waiting')).code, 0);
});
