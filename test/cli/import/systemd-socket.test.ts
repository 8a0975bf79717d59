import assert from 'node:assert/strict';
import { filesOf } from '../../../cli/import/files.js';
import { importFiles } from '../../../cli/import/import.js';
import { importText, readBack, sectionsOf, unmappedOf, watcherOf } from './reading.js';

const importUnit = (text: string, others: Record<string, string> = {}) =>
  importText('systemd', '/etc/systemd/system/web.service', text, others);
const service = (...lines: string[]) => ['[Service]', 'ExecStart=/bin/web', 'Restart=always', ...lines].join('\n');
const usual = { cmd: '/bin/web', stop_children: 'True', graceful_timeout: '90' };

describe('a socket unit', () => {
  const folder = '/etc/systemd/system';
  const unit = (...lines: string[]) => ['[Socket]', ...lines].join('\n');
  const withSocket = (socket: string, lines = '', install = '') =>
    importUnit(`${service(lines)}\n${install}`, { [`${folder}/web.socket`]: socket });
  const web = 'web.socket';
  const mine = { sockets: web, listen_fds: 'True' };

  const table: readonly (readonly [string, Record<string, string>])[] = [
    ['ListenStream=8080', { host: '::', port: '8080', family: 'AF_INET6' }],
    [
      'ListenStream=127.0.0.1:80\nBacklog=9\nBindToDevice=lo',
      { host: '127.0.0.1', port: '80', backlog: '9', interface: 'lo' },
    ],
    ['ListenStream=[::1]:80', { host: '::1', port: '80', family: 'AF_INET6' }],
    ['ListenDatagram=1.2.3.4:53', { type: 'SOCK_DGRAM', host: '1.2.3.4', port: '53' }],
    ['ListenStream=/run/web.sock', { path: '/run/web.sock', mode: '0666', replace: 'True' }],
    [
      'ListenSequentialPacket=%t/%p.sock\nSocketMode=0660\nSocketUser=root\nSocketGroup=root',
      { type: 'SOCK_SEQPACKET', path: '/run/web.sock', mode: '0660', owner: 'root', group: 'root', replace: 'True' },
    ],
    ['ListenStream=\nListenStream=1.2.3.4:5\nAccept=no', { host: '1.2.3.4', port: '5' }],
  ];
  for (const [lines, options] of table) {
    it(`keeps ${lines.replaceAll('\n', ', ')}`, () => {
      const imported = withSocket(unit(lines));
      assert.deepEqual(sectionsOf(imported)[`socket:${web}`], { ...options, blocking: 'True' });
      assert.deepEqual(watcherOf(imported, 'web'), { ...usual, ...mine, on_demand: 'True' });
      assert.deepEqual(imported.unmapped, []);
    });
  }

  it('starts its service at the first client, unless that starts by itself', () => {
    const socket = unit('ListenStream=80');
    const after =
      '[Unit]\nRequires=web.socket\nAfter=web.socket\n[Install]\nWantedBy=multi-user.target\nAlso=web.socket';
    const imported = withSocket(socket, '', after);
    assert.deepEqual(watcherOf(imported, 'web'), { ...usual, ...mine });
    assert.deepEqual(imported.unmapped, []);
    assert.equal(watcherOf(withSocket(socket, '', '[Install]\nAlso=web.socket'), 'web')['on_demand'], 'True');
  });

  it('may be the standard input of its service, and not block it', () => {
    const imported = withSocket(unit('ListenStream=1.2.3.4:5'), 'StandardInput=socket\nNonBlocking=yes');
    assert.deepEqual(watcherOf(imported, 'web'), { ...usual, stdin_socket: web, on_demand: 'True' });
    assert.equal(sectionsOf(imported)[`socket:${web}`]!['blocking'], undefined);
  });

  it('is named first, has several addresses, or another name', () => {
    const texts = {
      '/u/a.socket': unit('ListenStream=80', 'ListenStream=/run/a', 'Service=b.service', 'FileDescriptorName=http'),
      '/u/c.socket': unit('ListenStream=81'),
      '/u/b.service': service('Sockets=c.socket a.socket'),
    };
    for (const path of ['/u/a.socket', '/u/b.service']) {
      const imported = importFiles('systemd', [path], filesOf(texts));
      readBack(imported);
      const { sockets } = watcherOf(imported, 'b');
      assert.deepEqual(sockets!.split(', ').sort(), ['c.socket', 'http', 'http-2'], path);
    }
  });

  it('tells what it did not map', () => {
    const socket = unit('ListenStream=@x', 'ListenFIFO=/f', 'ListenStream=99999', 'ListenStream=80', 'NoDelay=yes');
    assert.deepEqual(unmappedOf(withSocket(socket)), [
      '2: ListenStream of web.socket: "@x" is no address that a socket of circusd can have',
      '4: ListenStream of web.socket: "99999" is no address that a socket of circusd can have',
      '6: NoDelay of web.socket: a socket of circusd has no such setting',
      '3: ListenFIFO of web.socket: circusd opens sockets only',
    ]);
    const each = withSocket(unit('ListenStream=80', 'Accept=yes'));
    assert.deepEqual(unmappedOf(each), ['3: Accept of web.socket: circusd starts no process for each connection']);
    assert.deepEqual(watcherOf(each, 'web'), usual);
    const alone = importFiles('systemd', ['/u/x.socket'], filesOf({ '/u/x.socket': unit('ListenStream=80') }));
    assert.deepEqual(unmappedOf(alone), ['2: x.socket: its service "x.service" is not among what is imported']);
    assert.deepEqual(sectionsOf(alone), {});
    assert.match(
      unmappedOf(importUnit(service('Sockets=y.socket')))[0]!,
      /Sockets of "web": there is no "y.socket" beside it/,
    );
  });
});
