import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { connect as dial, type Socket } from 'node:net';
import { connectionsFor } from '#plugins/controller/gate.js';
import { eventually } from '../../support/eventually.js';
import { Client, closeClients, connect } from '../client.js';
import { daemonPerTest } from '../daemon.js';

const limits = (hard: string) =>
  `Limit  Soft Limit  Hard Limit  Units\nMax open files            1024  ${hard}   files\n`;

/** Connects to a Unix socket as often as it can, keeps all connections, and answers how to end that. */
function flood(path: string): () => void {
  const open = new Set<Socket>();
  const more = () => {
    while (open.size < 900) {
      const socket = dial(path);
      open.add(socket);
      socket.on('error', () => undefined).once('close', () => open.delete(socket));
    }
  };
  const timer = setInterval(more, 5);
  return () => {
    clearInterval(timer);
    for (const socket of open) socket.destroy();
  };
}

describe('the gate of an endpoint', () => {
  const start = daemonPerTest();
  closeClients();

  it('lets in a share of the descriptors, and never more than 1,024', () => {
    assert.equal(connectionsFor(2, limits('1024')), 128);
    assert.equal(connectionsFor(4, limits('1024')), 64);
    assert.equal(connectionsFor(2, limits('1048576')), 1024);
    assert.equal(connectionsFor(2, limits('unlimited')), 1024);
    assert.equal(connectionsFor(50, limits('256')), 8);
  });

  it('survives a flood of connections on one endpoint, and the other ones answer all the while', async () => {
    const ini = '[watcher:web]\ncmd = sleep 600\n[endpoint:look]\naddress = ipc://./look\nrole = view\n';
    const daemon = await start(ini, { through: ['prlimit', '--nofile=512:512', '--'] });
    const path = daemon.endpoint.slice('ipc://'.length);
    const before = statSync(path);
    const other = new Client(`ipc://${daemon.folder.path}/look`);
    const end = flood(path);
    try {
      await eventually(() => daemon.log.includes('42 connections'), { within: 15_000 });
      for (let round = 0; round < 3; round++) {
        const { pids } = await other.ask('list', { name: 'web' });
        process.kill((pids as number[])[0]!, 'SIGKILL');
        await eventually(async () => {
          const now = (await other.ask('list', { name: 'web' }))['pids'] as number[];
          return now.length === 1 && now[0] !== (pids as number[])[0];
        });
      }
    } finally {
      end();
      other.close();
    }
    const client = connect(daemon);
    await eventually(async () => assert.equal((await client.ask('numwatchers'))['numwatchers'], 1));
    const { mode, uid, gid } = statSync(path);
    assert.deepEqual({ mode, uid, gid }, { mode: before.mode, uid: before.uid, gid: before.gid });
    assert.equal(daemon.log.match(/connections, as many/g)?.length, 1);
  });
});
