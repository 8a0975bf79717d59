import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { connect as dial, type Socket } from 'node:net';
import { connectionsFor, descriptorLimit } from '#plugins/controller/gate.js';
import { eventually } from '../../support/eventually.js';
import { Client, closeClients, connect } from '../client.js';
import { daemonPerTest } from '../daemon.js';

const limits = (hard: string) =>
  `Limit  Soft Limit  Hard Limit  Units\nMax open files            1024  ${hard}   files\n`;

/** With so many descriptors, and without the right to have more. */
const unprivileged = (files: number) => [
  ...[
    'prlimit',
    `--nofile=${files}:${files}`,
    'setpriv',
    '--bounding-set=-sys_resource',
    '--inh-caps=-sys_resource',
    '--',
  ],
];

/** True for a process with the capability `sys_resource`; root in a container may lack it. */
const mayRaise = (pid: number) =>
  (BigInt(`0x${/^CapEff:\s+(\w+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]}`) >> 24n) % 2n === 1n;

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
    assert.equal(connectionsFor(2, descriptorLimit(limits('1024'))), 128);
    assert.equal(connectionsFor(4, descriptorLimit(limits('1024'))), 64);
    assert.equal(connectionsFor(2, descriptorLimit(limits('1048576'))), 1024);
    assert.equal(connectionsFor(2, descriptorLimit(limits('unlimited'))), 1024);
    assert.equal(connectionsFor(50, descriptorLimit(limits('256'))), 8);
  });

  it('survives a flood of connections on one endpoint, and the other ones answer all the while', async () => {
    const ini = '[watcher:web]\ncmd = sleep 600\n[endpoint:look]\naddress = ipc://./look\nrole = view\n';
    const daemon = await start(ini, { through: unprivileged(4096) });
    const path = daemon.endpoint.slice('ipc://'.length);
    const before = statSync(path);
    const other = new Client(`ipc://${daemon.folder.path}/look`);
    const end = flood(path);
    try {
      await eventually(() => daemon.log.includes('341 connections'), { within: 15_000 });
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

  it('has enough of them where the daemon may raise its limit, and its children have what it was given', async () => {
    const limitsOf = (pid: number) =>
      /^Max open files +(\d+) +(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))!.slice(1);
    const daemon = await start('[watcher:web]\ncmd = sleep 600\n', { through: ['prlimit', '--nofile=700:700', '--'] });
    const { pids } = await connect(daemon).ask('list', { name: 'web' });
    const enough = mayRaise(daemon.pid) ? '65536' : '700';
    assert.deepEqual(limitsOf(daemon.pid), [enough, enough]);
    assert.deepEqual(limitsOf((pids as number[])[0]!), ['700', '700']);
  });

  it('warns where others may connect and there are too few', async () => {
    const open = '[endpoint:look]\naddress = ipc://./look\nrole = view\nmode = 0666\n';
    const few = await start(open, { through: unprivileged(1024) });
    assert.match(few.log, /may have 1024 open files only: [^]* allow it 10072 \(LimitNOFILE, ulimit -n\)/);
    const enough = await start(open, { through: unprivileged(20_000) });
    assert.doesNotMatch(enough.log, /open files/);
  });
});
