import assert from 'node:assert/strict';
import { socketSpec, watcherSpec, type WatcherSpec } from '#core';
import { readSettings } from '#plugins/health/settings.js';
import { runCircusd } from '../../support/circusd.js';
import { temporaryPerTest } from '../../support/temporary.js';

const sockets = [
  socketSpec({ name: 'web', host: '127.0.0.1', port: 8000 }),
  socketSpec({ name: 'any', host: '0.0.0.0', port: 8003 }),
  socketSpec({ name: 'unix', path: '/run/web.sock' }),
];
const spec = (options: Readonly<Record<string, unknown>>, given: Partial<WatcherSpec> = {}) =>
  watcherSpec({ name: 'w', cmd: 'true', options, ...given });
const flaws = (options: Readonly<Record<string, unknown>>, given: Partial<WatcherSpec> = {}) =>
  readSettings(spec(options, given), sockets).flaws.map(({ key, message }) => `${key} ${message}`);

/** Options of a watcher, and what is said against them. */
const wrong: readonly (readonly [Readonly<Record<string, unknown>>, RegExp, Partial<WatcherSpec>?])[] = [
  [{ 'ready.htp': 'x' }, /^ready.htp is no condition and no setting \(did you mean "ready.http"\?\)$/],
  [{ 'alive.listen': '1' }, /^alive.listen is no condition/],
  [
    { 'ready.tcp': '1', 'ready.timeout': 'soon' },
    /^ready.timeout has a wrong value: "soon" is not a number of seconds/,
  ],
  [{ 'ready.tcp': '1', 'ready.interval': '0' }, /^ready.interval has a wrong value: it is no time/],
  [
    { 'ready.tcp': '1', 'ready.success_threshold': '0' },
    /^ready.success_threshold has a wrong value: it is at least 1/,
  ],
  [{ 'alive.tcp': '1', 'alive.jitter': '2' }, /^alive.jitter has a wrong value: it is at most 1/],
  [{ 'ready.log': '[a' }, /^ready.log has a wrong value: Invalid regular expression/],
  [{ 'ready.http': 'http://a/', 'ready.http_status': '99' }, /^ready.http_status has a wrong value: "99" is no list/],
  [{ 'ready.http': 'http://a/', 'ready.http_status': '300-200' }, /^ready.http_status has a wrong value/],
  [{ 'ready.fd': '2' }, /^ready.fd has a wrong value: it is at least 3/],
  [{ 'ready.fd': '5' }, /^ready.fd is 5, where "listen_fds" puts a socket/, { listen_fds: true, use_sockets: true }],
  [{ notify: 'some' }, /^notify must be main, all or 0$/],
  [{ ipc: 'some' }, /^ipc must be true or false, and is "some"$/],
  [
    { 'alive.tcp': '1', 'alive.action': 'drian' },
    /^alive.action has a wrong value: "drian" is none of replace, drain, event and exec:COMMAND \(did you mean "drain"\?\)$/,
  ],
  [{ 'alive.tcp': '1', 'alive.action': 'exec:' }, /^alive.action has a wrong value: has no command behind "exec:"$/],
  [{ 'alive.action': 'drain' }, /^alive.action has nothing to be about/],
  [{ 'alive.tcp': '1', 'alive.action': 'drain' }, /^alive.action is drain.*"singleton" is on/, { singleton: true }],
  [{ 'alive.tcp': '1', 'alive.action_timeout': '5' }, /^alive.action_timeout needs an "alive.action = exec:COMMAND"$/],
  [{ 'alive.tcp': '1', 'alive.dump': 'SIGKILL' }, /^alive.dump has a wrong value: "SIGKILL" is no signal that/],
  [{ 'alive.tcp': '1', 'alive.dump': 'SIGUSR3' }, /^alive.dump has a wrong value: .*did you mean "SIGUSR/],
  [{ 'alive.tcp': '1', 'alive.dump': 'USR2', 'alive.action': 'event' }, /^alive.dump comes before a replacement/],
  [{ 'alive.tcp': '1', 'alive.dump_timeout': '5' }, /^alive.dump_timeout needs an "alive.dump"$/],
  [{ 'alive.loop_lag': '0.001' }, /^alive.loop_lag has a wrong value: it is less than 10 ms/],
  [{ 'alive.loop_lag': '20' }, /^alive.loop_lag can't be met: it is longer than "alive.interval", 10 s/],
  [{ notify: '0', 'ready.notify': '1' }, /^ready.notify waits for notices, and "notify" is off/],
  [{ notify: 'no', 'alive.notify': '5' }, /^alive.notify waits for notices/],
  [
    { 'ready.listen': '1', 'ready.interval': '5', 'ready.timeout': '2' },
    /^ready.interval can't be met.*5 s.*longer.*2 s$/,
  ],
  [{ 'ready.tcp': '1', 'ready.probe_timeout': '3', 'ready.interval': '2' }, /^ready.probe_timeout can't be met/],
  [
    { 'alive.tcp': '1', 'alive.timeout': '3', 'alive.interval': '2' },
    /^alive.timeout can't be met.*"alive.interval", 2 s$/,
  ],
  [{ 'ready.delay': '5', 'ready.timeout': '5' }, /^ready.delay can't be met.*not shorter/],
  [{ 'ready.listen': '1', 'ready.settle': '5', 'ready.timeout': '5' }, /^ready.settle can't be met/],
  [{ 'ready.tcp': '1', 'ready.initial_delay': '9', 'ready.timeout': '5' }, /^ready.initial_delay can't be met/],
  [
    { 'ready.tcp': '1', 'ready.success_threshold': '9', 'ready.timeout': '5' },
    /^ready.success_threshold can't be met: 9 successes/,
  ],
  [{ 'ready.timeout': '5' }, /^ready.timeout has nothing to be about/],
  [{ 'alive.interval': '5' }, /^alive.interval has nothing to be about/],
  [{ 'ready.tcp': '1', 'ready.http_body': 'x' }, /^ready.http_body needs a "ready.http"$/],
  [{ 'ready.tcp': '1', 'ready.settle': '1' }, /^ready.settle needs a "ready.listen"$/],
  [{ 'ready.tcp': '1' }, /^ready_after is for watchers without a condition/, { ready_after: 2 }],
  [{ 'ready.log': 'x' }, /^ready.log has nothing to read/, { close_child_stdout: true, close_child_stderr: true }],
  [{ 'ready.http': 'ftp://x/' }, /^ready.http is "ftp:\/\/x\/", and must be an address/],
  [{ 'ready.http': 'http://h:$(circus.env.PORT)/' }, /^ready.http is .*must be an address/],
  [{ 'alive.tcp': 'h:99999' }, /^alive.tcp is "h:99999", and must be an address/],
  [{ 'alive.exec': 'test "' }, /^alive.exec can't be read: the quotes/],
  [{ 'ready.http': 'http://localhost:8000/' }, /^ready.http points at socket "web", .*\$\(circus.wid\)$/],
  [{ 'alive.tcp': '127.0.0.1:8000' }, /^alive.tcp points at socket "web"/],
  [{ 'alive.tcp': '192.0.2.1:8003' }, /^alive.tcp points at socket "any"/],
  [{ 'ready.http': 'http://unix:/run/web.sock:/up' }, /^ready.http points at socket "unix"/],
  // The second process, or the one beyond it in a reload.
  [{ 'ready.tcp': '800$(circus.wid)' }, /^ready.tcp points at socket "any"/, { numprocesses: 2 }],
];

describe('the settings of health', () => {
  const temporary = temporaryPerTest();

  it('that are wrong, contradict each other or can not be met are refused, each with its key', () => {
    for (const [options, words, given] of wrong) {
      const found = flaws(options, given);
      assert.equal(found.length, 1, `${JSON.stringify(options)}: ${found.join('; ')}`);
      assert.match(found[0]!, words);
    }
  });

  it('that are right are taken, with units, variables and words for true', () => {
    const right = [
      {
        'ready.http': 'http://unix:/tmp/x$(circus.wid).sock:/up',
        'ready.http_status': '200-204, 404',
        'ready.timeout': '1m',
      },
      { 'ready.http': 'https://[::1]:80$(circus.env.P)/', 'alive.http': 'http://127.0.0.1:900$(circus.wid)' },
      { 'ready.tcp': 'unix:/run/other.sock', 'alive.tcp': '[::1]:9000', 'alive.timeout': '500ms', 'alive.interval': 1 },
      {
        'ready.listen': 'yes',
        'ready.settle': '2',
        'ready.log': 'a|b',
        'ready.fd': 3,
        'ready.ipc': true,
        notify: 'all',
      },
      { 'ready.delay': '5m' },
      { 'ready.timeout': null, 'ready.listen': '0' },
    ];
    for (const options of right) assert.deepEqual(flaws(options, { env: { P: '81' } }), [], JSON.stringify(options));
    // Where there is only one at any time, nobody else answers.
    assert.deepEqual(flaws({ 'ready.tcp': '127.0.0.1:8000' }, { singleton: true }), []);
  });

  it('say for whom it is seen to that he accepts on his sockets', () => {
    const listen = (options: Readonly<Record<string, unknown>>, given: Partial<WatcherSpec> = {}) =>
      readSettings(spec(options, given)).settings.ready.listen;
    const uses = { use_sockets: true };
    assert.deepEqual(
      [listen({}), listen({}, uses), listen({}, { sockets: ['web'] }), listen({}, { stdin_socket: 'web' })],
      [false, 'unasked', 'unasked', 'unasked'],
    );
    assert.equal(listen({ 'ready.timeout': '5' }, uses), true);
    assert.equal(listen({ 'alive.exec': 'true' }, uses), 'unasked');
    assert.deepEqual(
      [listen({ 'ready.log': 'x' }, uses), listen({ notify: '1' }, uses), listen({}, { ...uses, ready_after: 1 })],
      [false, false, false],
    );
    assert.equal(listen({ 'ready.log': 'x', 'ready.listen': '1' }, uses), true);
  });

  it('that are wrong are told with their file and line, and their watcher is left out', async () => {
    const text = `[socket:web]
port = 8000
[watcher:a]
cmd = sleep 1
ready.tcp = 8000
[watcher:b]
cmd = sleep 1
alive.htp = x
[watcher:c]
cmd = sleep 1
ready.http = http://127.0.0.1:9000/
ready.interval = 2
ready.probe_timeout = 3
`;
    const { code, stderr } = await runCircusd(['--check', temporary.write('a.ini', text)]);
    assert.equal(code, 1);
    const lines = stderr.trim().split('\n');
    assert.equal(lines.length, 3, stderr);
    assert.match(lines[0]!, /a\.ini:5:13: "ready.tcp" points at socket "web".*; \[watcher:a\] is left out$/);
    assert.match(lines[1]!, /a\.ini:8:13: "alive.htp" is no condition and no setting .*\[watcher:b\] is left out$/);
    assert.match(lines[2]!, /a\.ini:13:23: "ready.probe_timeout" can't be met: .*\[watcher:c\] is left out$/);
  });
});
