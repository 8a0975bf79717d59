import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { limiter, readGroup } from '#plugins/controller/discovery.js';
import { discoveryGroup, type ControllerOptions } from '#plugins/controller/options.js';
import { FakeClock } from '../../support/clock.js';
import { eventually } from '../../support/eventually.js';
import { closeClients, connect } from '../client.js';
import { daemonPerTest } from '../daemon.js';

describe('the discovery of a daemon', () => {
  const start = daemonPerTest();
  closeClients();
  const open: Socket[] = [];
  afterEach(() => {
    for (const socket of open.splice(0)) socket.close();
  });
  async function bound(port = 0): Promise<Socket> {
    const socket = createSocket('udp4');
    open.push(socket);
    socket.bind(port);
    await once(socket, 'listening');
    return socket;
  }
  /** A UDP port that nobody has. */
  async function freePort(): Promise<number> {
    const socket = createSocket('udp4').bind();
    await once(socket, 'listening');
    const { port } = socket.address();
    await new Promise<void>((resolve) => void socket.close(resolve));
    return port;
  }
  const group = '237.219.251.97';
  const daemonAt = async (address: string) => start(`[circus]\nmulticast_endpoint = ${address}\n`);
  /** All that comes back to a socket, as text. */
  function answersTo(socket: Socket): string[] {
    const answers: string[] = [];
    socket.on('message', (message) => answers.push(message.toString()));
    return answers;
  }

  it('answers whoever asks its port with the endpoint, whatever he says', async () => {
    const port = await freePort();
    const daemon = await daemonAt(`udp://${group}:${port}`);
    const { options } = await connect(daemon).ask('globaloptions');
    assert.equal((options as Record<string, unknown>)['multicast_endpoint'], `udp://${group}:${port}`);
    const socket = await bound();
    const answers = answersTo(socket);
    for (const question of ['""', 'hello', '{"x": 1}', '\0']) socket.send(question, port, '127.0.0.1');
    await eventually(() => assert.equal(answers.length, 4));
    for (const answer of answers) assert.deepEqual(JSON.parse(answer), { endpoint: daemon.endpoint });
    // Else it could be made to talk to another daemon for ever.
    socket.send(answers[0]!, port, '127.0.0.1');
    socket.send('""', port, '127.0.0.1');
    await eventually(() => assert.equal(answers.length, 5));
  });

  it('answers the group, also several daemons on one machine, where the machine has multicast', async function () {
    const port = await freePort();
    const daemons = [await daemonAt(`udp://${group}:${port}`), await daemonAt(`udp://${group}:${port}`)];
    if (daemons.some(({ log }) => log.includes('could not be joined'))) this.skip();
    const socket = await bound();
    const answers = answersTo(socket);
    await eventually(
      () => {
        socket.send('""', port, group);
        for (const { endpoint } of daemons) assert.ok(answers.includes(JSON.stringify({ endpoint })), endpoint);
      },
      { every: 200 },
    );
  });

  it('answers no more than 20 times in a second', async () => {
    const port = await freePort();
    await daemonAt(`udp://${group}:${port}`);
    const socket = await bound();
    const times: number[] = [];
    socket.on('message', () => times.push(performance.now()));
    const ask = () => socket.send('""', port, '127.0.0.1');
    for (let at = 0; at < 100; at++) ask();
    await eventually(
      () => {
        ask();
        return times.length > 20;
      },
      { every: 50 },
    );
    assert.ok(times[20]! - times[0]! > 900, String(times[20]! - times[0]!));
  });

  it('gives its port back with the daemon', async () => {
    const port = await freePort();
    const daemon = await daemonAt(`udp://${group}:${port}`);
    await assert.rejects(bound(port), { code: 'EADDRINUSE' });
    open.pop();
    await daemon.stop();
    await bound(port);
  });

  it('is only missed, with a warning, where it can’t be', async () => {
    const socket = await bound();
    const { port } = socket.address();
    const taken = await daemonAt(`udp://${group}:${port}`);
    assert.match(taken.log, /\\"multicast_endpoint\\": udp:\S+ could not be joined: bind EADDRINUSE/);
    assert.equal((await connect(taken).ask('numwatchers'))['numwatchers'], 0);
    for (const address of ['udp://10.0.0.1:5000', 'udp://237.219.251.97', 'circus']) {
      const daemon = await daemonAt(address);
      assert.match(daemon.log, /is not udp:\/\/GROUP:PORT with a group from 224\.0\.0\.0 to 239\.255\.255\.255/);
      assert.equal(await daemon.stop(), 0);
    }
  });
});

describe('the group of a discovery', () => {
  it('is what is said, or with Circus’s endpoints Circus’s own, and else none', () => {
    const of = (options: Partial<ControllerOptions>) => discoveryGroup(options as ControllerOptions);
    const said = 'udp://237.0.0.1:5';
    assert.equal(of({}), undefined);
    assert.equal(of({ endpoint: 'tcp://127.0.0.1:5555' }), undefined);
    assert.equal(of({ multicast_endpoint: said }), said);
    assert.equal(of({ endpoints: 'circus' }), 'udp://237.219.251.97:12027');
    assert.equal(of({ endpoints: 'circus', multicast_endpoint: said }), said);
    assert.equal(of({ endpoints: 'circus', multicast_endpoint: '' }), undefined);
    assert.equal(of({ endpoints: 'unix' }), undefined);
  });

  it('is a multicast address and a port', () => {
    assert.deepEqual(readGroup('udp://224.0.0.1:1'), { group: '224.0.0.1', port: 1 });
    assert.deepEqual(readGroup('udp://239.255.255.255:65535'), { group: '239.255.255.255', port: 65535 });
    for (const wrong of [
      'udp://223.0.0.1:1',
      'udp://240.0.0.1:1',
      'udp://224.0.0.256:1',
      'udp://224.0.0:1',
      'udp://224.0.0.1:0',
      'udp://224.0.0.1:65536',
      'udp://224.0.0.1:',
      'udp://224.0.0.1',
      'tcp://224.0.0.1:1',
      '224.0.0.1:1',
      'udp://224.0.0.1:1 ',
    ])
      assert.equal(readGroup(wrong), undefined, wrong);
  });

  it('is answered so often in each second, and again in the next', async () => {
    const clock = new FakeClock();
    const may = limiter(clock, 2);
    assert.deepEqual([may(), may(), may()], [true, true, false]);
    await clock.advance(999);
    assert.equal(may(), false);
    await clock.advance(1);
    assert.deepEqual([may(), may(), may()], [true, true, false]);
  });
});
