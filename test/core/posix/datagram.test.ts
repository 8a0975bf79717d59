import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { receiveDatagrams } from '#core';
import { eventually } from '../../support/eventually.js';
import { assertNothingLeft, watchLeftovers } from '../../support/leftovers.js';

/** Sends each text; with `files` the sender's standard output goes along. */
const sender = `
import array, os, socket, sys
name, texts, files = sys.argv[1], sys.argv[2:], os.environ.get('FILES')
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect('\\0' + name)
for text in texts:
    s.sendmsg([text.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [1]))] if files else [])
`;

describe('datagrams', () => {
  beforeEach(() => void watchLeftovers());
  afterEach(() => assertNothingLeft());

  /** Runs the sender to its end; answers its pid. */
  const send = async (name: string, texts: readonly string[], env = {}) => {
    const child = execFile('/usr/bin/python3', ['-c', sender, name, ...texts], { env });
    await new Promise((resolve, reject) =>
      child.once('close', (code) => (code === 0 ? resolve(code) : reject(new Error(`the sender ended with ${code}`)))),
    );
    return child.pid!;
  };

  it('come in their order, with the pid that the system knows, also an empty one', async () => {
    const name = randomUUID();
    const told: [string, number][] = [];
    const end = receiveDatagrams(name, (message, pid) => told.push([message.toString(), pid]));
    const pid = await send(name, ['one', '', 'three']);
    await eventually(() => assert.equal(told.length, 3));
    end();
    assert.deepEqual(
      told,
      ['one', '', 'three'].map((text) => [text, pid]),
    );
  });

  it('leave no descriptor here that was sent along', async () => {
    const name = randomUUID();
    const told: string[] = [];
    const end = receiveDatagrams(name, (message) => told.push(message.toString()));
    const count = () => readdirSync('/proc/self/fd').length;
    const before = count();
    await send(name, ['FDSTORE=1', 'READY=1'], { FILES: '1' });
    await eventually(() => assert.deepEqual(told, ['FDSTORE=1', 'READY=1']));
    await eventually(() => assert.equal(count(), before));
    end();
  });

  it('come to nobody once it is over, and its address is free', async () => {
    const name = randomUUID();
    receiveDatagrams(name, () => undefined)();
    await assert.rejects(send(name, ['late']));
    receiveDatagrams(name, () => undefined)();
  });
});
