/** What is wrong with one section is told with its place and the reason; the others run. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { circusdPerTest, runCircusd, startCircusd, type Circusd } from '../support/circusd.js';
import { eventually } from '../support/eventually.js';
import { temporaryPerTest } from '../support/temporary.js';

const good = '[socket:fine]\nhost = 127.0.0.1\nport = 0\n[watcher:good]\ncmd = sleep 600\nsockets = fine\n';
const reader = '[watcher:reader]\ncmd = sleep 600\nsockets = bad\n';
const bad = (...lines: readonly string[]) => `[socket:bad]\n${lines.join('\n')}\n`;

/** Title, section and what is told of it; LINE:COLUMN are counted in the section, from its header on. */
const sockets: readonly (readonly [string, string, string, RegExp])[] = [
  [
    'a host that does not resolve',
    bad('host = no-such-host.invalid', 'port = 0'),
    '2:8',
    /no-such-host.invalid:0: getaddrinfo \w+/,
  ],
  ['a host of another family', bad('port = 0', 'host = ::1'), '3:8', /"::1" is not an IPv4 address/],
  ['a host of another machine', bad('host = 203.0.113.7', 'port = 0'), '2:8', /bind: Cannot assign requested address/],
  [
    'an unknown device',
    bad('host = 127.0.0.1', 'port = 0', 'interface = nothing0'),
    '4:13',
    /SO_BINDTODEVICE: No such device/,
  ],
  ['an unknown protocol', bad('port = 0', 'proto = tpc'), '3:9', /"tpc" is not a known protocol/],
  [
    'an unknown user',
    bad('path = ./bad', 'owner = nobdy'),
    '3:9',
    /"owner" must be a user of this machine, and is "nobdy" \(did you mean "nobody"\?\)/,
  ],
  [
    'an unknown group',
    bad('path = ./bad', 'group = nogrop'),
    '3:9',
    /"group" must be a group.*"nogrop" \(did you mean "nogroup"\?\)/,
  ],
  ['a mode that is none', bad('path = ./bad', 'mode = rw'), '3:8', /"mode" must be octal digits.*"rw"/],
  [
    'a path that is too long',
    bad(`path = /tmp/${'x'.repeat(104)}`),
    '2:8',
    /"path" has 109 bytes, and the system takes 107/,
  ],
  ['a Unix socket without a path', bad('family = AF_UNIX'), '2:10', /a Unix socket needs a "path"/],
  [
    'a folder that is not there',
    bad('backlog = 5', 'path = /nowhere/s'),
    '3:8',
    /\/nowhere\/s: bind: No such file or directory/,
  ],
  [
    'a folder in which nothing may be made',
    bad('path = /sys/s'),
    '2:8',
    /\/sys\/s: bind: (Operation not permitted|Permission denied)/,
  ],
  [
    'a file in its way',
    bad('path = ./circus.ini', 'replace = True'),
    '2:8',
    /the path exists already and is not a socket/,
  ],
];

/** The same for watchers. */
const watchers: readonly (readonly [string, string, string, RegExp])[] = [
  ['an unknown user', 'uid = nobdy', '3:7', /"uid" must be a user of this machine.*"nobdy".*"nobody"\?/],
  ['an unknown group', 'gid = nogrop', '3:7', /"gid" must be a group of this machine.*"nogrop".*"nogroup"\?/],
  ['an unknown signal', 'stop_signal = SIGTREM', '3:15', /"stop_signal" must be a signal.*"SIGTREM"/],
  ['an unknown limit', 'rlimit_nofiles = 3', '3:\\d+', /rlimit_nofiles.*nofile/],
  [
    'an unknown socket',
    'sockets = fien',
    '3:11',
    /"sockets" names socket "fien", but there is no \[socket:fien\] \(did you mean "fine"\?\)/,
  ],
  ['an unknown socket as its input', 'stdin_socket = fien', '3:16', /"stdin_socket" names socket "fien".*"fine"\?/],
];

describe('a section that is refused', () => {
  let daemon: Circusd;
  let text: string;
  /** Each fault in a section of its own, all in one file. */
  const faulty = [
    ...sockets.flatMap(([, section], at) =>
      [section, reader].map((one) => one.replaceAll(/bad\b|reader/g, (name) => `${name}${at}`)),
    ),
    ...watchers.map(([, line], at) => `[watcher:bad${at}]\ncmd = sleep 600\n${line}\n`),
  ];

  before(async () => {
    daemon = await startCircusd(faulty.join('') + good);
    text = readFileSync(join(daemon.folder.path, 'circus.ini'), 'utf8');
  });
  after(() => daemon.stop());

  /** What the log says at this place of a section. */
  async function told(header: string, place: string): Promise<string> {
    const [line, column] = place.split(':');
    const at = new RegExp(`circus\\.ini:${text.split('\n').indexOf(header) + Number(line)}:${column}: [^]*?left out`);
    return eventually(() => at.exec(daemon.log.replaceAll('\\"', '"'))![0], { within: 10_000 });
  }

  for (const [at, [title, , place, reason]] of sockets.entries()) {
    it(`a socket with ${title}: its place, the reason, and the watcher that needs it`, async () => {
      const message = await told(`[socket:bad${at}]`, place);
      assert.match(message, reason);
      assert.match(message, new RegExp(`\\[socket:bad${at}\\] is left out$`));
      const other = await told(`[watcher:reader${at}]`, '3:11');
      assert.match(other, new RegExp(`"sockets" names socket "bad${at}", which .*left out$`));
    });
  }

  for (const [at, [title, , place, reason]] of watchers.entries()) {
    it(`a watcher with ${title}: its place and the reason`, async () => {
      assert.match(await told(`[watcher:bad${at}]`, place), reason);
    });
  }

  it('leaves the others running, and is shown by status', async () => {
    await eventually(async () => assert.match((await daemon.ctl('status')).stdout, /^good: active$/m));
    const { stdout } = await daemon.ctl('status');
    const lines = stdout.trimEnd().split('\n');
    const wrong = lines.filter((line) => /^wrong: error: .*circus\.ini:\d+:\d+: .*is left out$/.test(line));
    assert.deepEqual([lines.length, wrong.length], [1 + faulty.length, faulty.length]);
    assert.match((await daemon.ctl('listsockets')).stdout, /^\d+:socket 'fine' at 127\.0\.0\.1:\d+$/m);
  });
});

describe('a socket whose address is taken', () => {
  const start = circusdPerTest();
  const folder = temporaryPerTest();
  let other: Server;
  afterEach(() => new Promise((resolve) => other.close(resolve)));

  const occupied = async (where: { port: number; host: string } | { path: string }) => {
    other = createServer((connection) => connection.destroy()).listen(where);
    await once(other, 'listening');
  };

  it('is refused at its port, and there once the port is free and the files are read again', async () => {
    await occupied({ port: 0, host: '127.0.0.1' });
    const { port } = other.address() as AddressInfo;
    const daemon = await start(bad('host = 127.0.0.1', `port = ${port}`) + reader + good);
    await eventually(() =>
      assert.match(daemon.log, /circus\.ini:\d+:8: .*bind: Address already in use; \[socket:bad\] is left out/),
    );
    const plan = (await daemon.json('plan')) as { readonly changes: readonly { name: string; what: string }[] };
    assert.deepEqual(
      plan.changes.map(({ name, what }) => `${name} ${what}`),
      ['bad added', 'reader added'],
    );
    const refused = await daemon.ctl('reloadconfig', '--waiting');
    assert.match(
      refused.stdout + refused.stderr,
      /circus\.ini:\d+:8: .*in use.*circus\.ini:\d+:11: "sockets" names socket "bad", which could not/s,
    );
    const { stdout: still } = await daemon.ctl('status');
    assert.match(still, /^wrong: error: .*circus\.ini:\d+:8: socket "bad" could.*use; \[socket:bad\] is left out$/m);
    assert.match(still, /^wrong: error: .*circus\.ini:\d+:11: "sockets" names.*; \[watcher:reader\] is left out$/m);
    await new Promise((resolve) => other.close(resolve));
    const { stdout } = await daemon.ctl('reloadconfig', '--waiting');
    assert.match(stdout, /^ok/);
    const { stdout: status } = await daemon.ctl('status');
    assert.match(status, /^reader: active$/m);
    assert.doesNotMatch(status, /wrong:/);
  });

  it('is refused where somebody listens on its file, which is left alone; a stale file is taken over', async () => {
    const path = join(folder.path, 'served');
    await occupied({ path });
    const stale = join(folder.path, 'stale');
    const python = 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])';
    const daemon = await start(bad(`path = ${path}`) + `[socket:stale]\npath = ${stale}\n` + good, {
      prepare: () => void execFileSync('/usr/bin/python3', ['-c', python, stale]),
    });
    await eventually(() =>
      assert.match(daemon.log, /circus\.ini:\d+:8: .*something listens on it; \[socket:bad\] is left out/),
    );
    assert.ok(existsSync(path));
    assert.match((await daemon.ctl('listsockets')).stdout, /socket 'stale' at .*stale/);
    await daemon.stop();
    assert.ok(existsSync(path) && !existsSync(stale));
  });

  it('prevents the start when that is to be strict', async () => {
    await occupied({ port: 0, host: '127.0.0.1' });
    const { port } = other.address() as AddressInfo;
    const file = folder.write('a.ini', `[circus]\nendpoint =\n${bad('host = 127.0.0.1', `port = ${port}`)}`);
    const { code, stderr } = await runCircusd(['--strict', file]);
    assert.equal(code, 4);
    assert.match(stderr, /a\.ini:5:8: socket \\"bad\\" could not bind .*in use/);
  });
});
