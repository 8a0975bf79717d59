import assert from 'node:assert/strict';
import { runCircusd } from '../../support/circusd.js';
import { temporaryPerTest } from '../../support/temporary.js';

const watcher = '[watcher:web]\ncmd = sleep 600\n';

describe('the check of a configuration', () => {
  const temporary = temporaryPerTest();

  const errors = async (ini: string) => {
    const file = temporary.write('a.ini', ini + watcher);
    const { stderr } = await runCircusd(['--check', file], { cwd: temporary.path });
    return stderr.replaceAll(`${temporary.path}/`, '').split('\n').filter(Boolean);
  };
  const section = (...lines: string[]) => `[endpoint:look]\nrole = view\n${lines.join('\n')}\n`;

  const wrong: readonly (readonly [string, string, RegExp])[] = [
    [
      'an address that a start would refuse',
      section('address = tcp://0.0.0.0:7000'),
      /^error: a\.ini:3:11: option "address" of \[endpoint:look\]: "tcp:\/\/0\.0\.0\.0:7000" can be reached from/,
    ],
    [
      'such an address for events',
      '[circus]\nendpoint = ipc://./a\npubsub_endpoint = tcp://0.0.0.0:7000\n',
      /^error: a\.ini:3:19: option "pubsub_endpoint" of \[circus\]: "tcp:.* can be reached from/,
    ],
    [
      'an unknown user',
      '[circus]\nendpoint = ipc://./a\npubsub_endpoint = ipc://./b\nendpoint_owner = nobody-at-all\n',
      /^error: a\.ini:4:18: option "endpoint_owner" of \[circus\]: there is no user "nobody-at-all"/,
    ],
    [
      'an unknown group of an endpoint',
      section('address = ipc://./a', 'group = none-at-all'),
      /^error: a\.ini:4:9: option "group" of \[endpoint:look\]: there is no group "none-at-all"/,
    ],
    [
      'two endpoints of one address',
      `[circus]\nendpoint = ipc://./a\npubsub_endpoint = ipc://./b\n${section('address = ipc://./../NAME/a')}`,
      /^error: a\.ini:6:11: option "address" of \[endpoint:look\]: "ipc:.*" is that of endpoint already/,
    ],
    [
      'a role that there is not, by the name that was written',
      '[endpoint:look]\nrole = boss\naddress = ipc://./a\n',
      /^error: a\.ini:2:8: option "role" of \[endpoint:look\]: "boss" is not a role/,
    ],
  ];
  for (const [what, ini, message] of wrong)
    it(`sees ${what}`, async () => {
      const [first, ...more] = await errors(ini.replace('NAME', temporary.path.replace(/^.*\//, '')));
      assert.match(first ?? '', message);
      assert.deepEqual(more, []);
    });

  it('sees missing keys, each once, where they are named or where keys are asked for', async () => {
    const ini = section('address = tcp://0.0.0.0:7000', 'curve = 1', 'authorized_keys = ./nowhere');
    const told = await errors(`[circus]\ncurve_key = ./no.key\ncurve = 1\nauthorized_keys = .\n\n${ini}`);
    assert.equal(told.length, 2, told.join('\n'));
    assert.match(told[0]!, /^error: a\.ini:2:13: option "curve_key" of \[circus\]: ".*no\.key" can't be used/);
    assert.match(told[1]!, /^error: a\.ini:10:19: option "authorized_keys" of \[endpoint:look\]: ".*nowhere" can't be/);
  });

  it('takes a folder of keys for curve, as does every TCP endpoint where the daemon says curve', async () => {
    const keyed = await errors(section('address = tcp://0.0.0.0:7000', 'authorized_keys = ./nowhere'));
    assert.match(keyed.join('\n'), /option "authorized_keys" of \[endpoint:look\]: ".*nowhere" can't be used/);
    const inherited = await errors(`[circus]\ncurve = 1\n\n${section('address = tcp://0.0.0.0:7000')}`);
    assert.match(inherited.join('\n'), /option "curve_key"/);
    const refused = await errors(`[circus]\ncurve = 1\n\n${section('address = tcp://0.0.0.0:7000', 'curve = 0')}`);
    assert.match(refused.join('\n'), /option "address" of \[endpoint:look\].* can be reached from/);
  });

  it('has nothing against ports that are chosen when they are bound', async () => {
    const free = 'tcp://127.0.0.1:*';
    const endpoints = `[circus]\nendpoint = ${free}\npubsub_endpoint = ${free}\n\n${section(`address = ${free}`)}`;
    assert.deepEqual(await errors(endpoints), []);
  });
});
