import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { curveKeyPair } from 'zeromq';
import { writeKeys, writePublicKey } from '#plugins/controller/keys.js';
import { ClientError, connect, type ClientErrorCode } from '../../../cli/client/index.js';
import { eventually } from '../../support/eventually.js';
import { freePort } from '../../support/ports.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { client, closeAfterEach, closing, fakeDaemon, type Request } from './fake.js';

/** Checks the code of an error and the form of its message. */
const fails = (code: ClientErrorCode, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ClientError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, message);
  assert.doesNotMatch(error.message, /\n/);
  return true;
};

describe('a client', () => {
  closeAfterEach();
  const folder = temporaryPerTest();
  const endpoint = () => `ipc://${folder.path}/control`;

  it('matches replies by their ids, in whatever order they come', async () => {
    const held: Request[] = [];
    await fakeDaemon(endpoint(), (request) => {
      if (held.push(request) < 20) return;
      for (const each of held.reverse()) {
        each.say('{"status": "ok", "id": "of somebody else"}');
        each.say('{"status": "ok"}');
        each.reply({ numprocesses: Number(each.properties['name']) });
      }
    });
    const circus = client({ endpoint: endpoint() });
    const numbers = Array.from({ length: 20 }, (_, at) => at);
    const replies = await Promise.all(numbers.map((at) => circus.numprocesses(String(at))));
    assert.deepEqual(
      replies.map(({ numprocesses }) => numprocesses),
      numbers,
    );
  });

  it('answers a refusal with its number, its reason and the reply', async () => {
    await fakeDaemon(endpoint(), (request) =>
      request.reply({ status: 'error', reason: 'program x not found', errno: 3, tb: null, more: 1 }),
    );
    const circus = client({ endpoint: endpoint() });
    await assert.rejects(circus.restart('x'), (error: ClientError) => {
      fails('ERR_REFUSED', /^"restart" was refused: program x not found$/)(error);
      assert.deepEqual([error.errno, error.reason, error.reply?.['more']], [3, 'program x not found', 1]);
      return true;
    });
  });

  it('sends the words of a method as properties, and nothing that was not given', async () => {
    const { requests } = await fakeDaemon(endpoint(), (request) => request.reply());
    const circus = client({ endpoint: endpoint() });
    await circus.restart('web', {
      waiting: true,
      match: 'simple',
      timeout: 1000,
      signal: new AbortController().signal,
    });
    await circus.stop();
    await circus.kill('web', { graceful_timeout: 2, signum: undefined });
    await circus.call('plugin-command', { any: [1] });
    const sent = requests.map(({ command, properties }) => [command, properties]);
    assert.deepEqual(sent, [
      ['restart', { name: 'web', waiting: true, match: 'simple' }],
      ['stop', {}],
      ['kill', { name: 'web', graceful_timeout: 2 }],
      ['plugin-command', { any: [1] }],
    ]);
    assert.match(requests[0]!.id, /^[0-9a-f]{32}$/);
  });

  it('gives up in time, and says that the daemon took it', async () => {
    await fakeDaemon(endpoint());
    const circus = client({ endpoint: endpoint(), timeout: 60_000 });
    const started = performance.now();
    await assert.rejects(circus.stop('web', { waiting: true, timeout: 200 }), (error: ClientError) => {
      fails('ERR_TIMEOUT', /^the daemon at ipc:.* took "stop" and has not answered within 0\.2 s$/)(error);
      assert.equal(error.waited, 200);
      return true;
    });
    assert.ok(performance.now() - started >= 195);
  });

  it('ignores a reply that comes too late', async () => {
    const held: Request[] = [];
    await fakeDaemon(endpoint(), (request) => (request.command === 'list' ? held.push(request) : request.reply()));
    const circus = client({ endpoint: endpoint() });
    await assert.rejects(circus.list(undefined, { timeout: 100 }), fails('ERR_TIMEOUT', /"list"/));
    held[0]!.reply({ watchers: ['late'] });
    assert.equal((await circus.call('other')).status, 'ok');
  });

  it('waits as long as it takes with waiting, when no time is said', async () => {
    const held: Request[] = [];
    await fakeDaemon(endpoint(), (request) => (request.properties['waiting'] ? held.push(request) : undefined));
    const circus = client({ endpoint: endpoint(), timeout: 150 });
    const patient = circus.restart('web', { waiting: true });
    // Asked later with the same time, so its time is up later.
    await eventually(() => held.length === 1);
    await assert.rejects(circus.restart('web'), fails('ERR_TIMEOUT', /"restart"/));
    held[0]!.reply({ info: { started: [1], stopped: [], kept: [] } });
    assert.deepEqual((await patient).info?.started, [1]);
  });

  it('stops waiting when it is told to', async () => {
    const { requests } = await fakeDaemon(endpoint());
    const circus = client({ endpoint: endpoint() });
    const controller = new AbortController();
    const asked = circus.stop('web', { signal: controller.signal });
    const rejected = assert.rejects(asked, (error: ClientError) => {
      fails('ERR_ABORTED', /^"stop" was aborted$/)(error);
      assert.equal(error.cause, 'enough');
      return true;
    });
    await eventually(() => requests.length === 1);
    controller.abort('enough');
    await rejected;
    await assert.rejects(
      circus.stop('web', { signal: controller.signal }),
      fails('ERR_ABORTED', /^"stop" was aborted$/),
    );
    assert.equal(requests.length, 1);
  });

  it('says at once that a Unix socket is not there, or that nobody listens on it', async () => {
    const circus = client({ endpoint: endpoint(), timeout: 60_000 });
    await assert.rejects(circus.status(), fails('ERR_UNREACHABLE', /^no daemon is running at \/.*\/control$/));
    folder.write('control', '');
    await assert.rejects(circus.status(), fails('ERR_UNREACHABLE', /^no daemon is running at \/.*\/control$/));
  });

  it('says when nobody is at an address of the network, and never asks later', async () => {
    const address = `tcp://127.0.0.1:${await freePort()}`;
    const circus = client({ endpoint: address });
    await assert.rejects(circus.quit({ timeout: 200 }), (error: ClientError) => {
      fails('ERR_UNREACHABLE', /^nobody could be reached at tcp:.* within 0\.2 s, so nothing was asked$/)(error);
      assert.equal(error.waited, 200);
      return true;
    });
    const { requests } = await fakeDaemon(address, (request) => request.reply());
    await circus.list();
    assert.deepEqual(
      requests.map(({ command }) => command),
      ['list'],
    );
  });

  it('says when somebody listens who takes no commands', async () => {
    const server = closing(createServer((socket) => socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => server.listen(`${folder.path}/control`, resolve));
    const circus = client({ endpoint: endpoint() });
    await assert.rejects(
      circus.status(undefined, { timeout: 200 }),
      fails('ERR_FOREIGN', /takes no commands from here/),
    );
  });

  it('says when somebody answers garbage, and goes on', async () => {
    const garbage = ['hello', '[1]', '', 'null', `"${'x'.repeat(500)}"`, '{"id": '];
    await fakeDaemon(endpoint(), (request) => {
      const text = garbage.shift();
      if (text === undefined) request.reply();
      else request.say(text);
    });
    const circus = client({ endpoint: endpoint() });
    while (garbage.length > 0)
      await assert.rejects(circus.status(), fails('ERR_PROTOCOL', /answers, but not as a circusd does: ".{0,80}$/));
    assert.equal((await circus.call('list')).status, 'ok');
  });

  it('refuses what can never be asked, without asking', async () => {
    assert.throws(() => connect({ endpoint: 'localhost' }), fails('ERR_ARGUMENT', /^"localhost" is no endpoint: /));
    assert.throws(() => connect({ pubsub: '5556' }), fails('ERR_ARGUMENT', /^"5556" is no endpoint: /));
    assert.throws(() => connect({ timeout: -1 }), fails('ERR_ARGUMENT', /^"timeout" is .*, not -1$/));
    const circle: Record<string, unknown> = {};
    circle['itself'] = circle;
    const circus = client({ endpoint: endpoint() });
    await assert.rejects(circus.call('x', circle), fails('ERR_ARGUMENT', /^the properties of "x" can't be sent: /));
    await assert.rejects(circus.list(undefined, { timeout: Number.NaN }), fails('ERR_ARGUMENT', /"timeout"/));
  });

  it('ends what waits when it is closed, and answers nothing after', async () => {
    const { requests } = await fakeDaemon(endpoint());
    const circus = client({ endpoint: endpoint() });
    const rejected = assert.rejects(circus.stop(), fails('ERR_CLOSED', /^the client was closed$/));
    await eventually(() => requests.length === 1);
    circus.close();
    circus.close();
    await rejected;
    await assert.rejects(circus.stop(), fails('ERR_CLOSED', /^the client was closed$/));
  });

  it('speaks CURVE when it is given keys, and is not let in with other ones', async () => {
    const [daemons, own, others] = [curveKeyPair(), curveKeyPair(), curveKeyPair()];
    const options = { curveServer: true, curveSecretKey: daemons.secretKey };
    await fakeDaemon(endpoint(), (request) => request.reply(), options);
    const keys = { serverKey: daemons.publicKey, ...own };
    assert.equal((await client({ endpoint: endpoint(), curve: keys }).call('list')).status, 'ok');
    const [key, serverKey] = [`${folder.path}/own/me.key_secret`, `${folder.path}/daemons/daemon.key`];
    writeKeys(`${folder.path}/own`, 'me', own);
    writePublicKey(`${folder.path}/daemons`, 'daemon', daemons.publicKey);
    assert.equal((await client({ endpoint: endpoint(), curve: { key, serverKey } }).call('list')).status, 'ok');
    assert.throws(
      () => connect({ endpoint: endpoint(), curve: { key: `${key}x`, serverKey } }),
      fails('ERR_ARGUMENT', /^"curve" can't be read: ENOENT.*me\.key_secretx/),
    );
    for (const curve of [undefined, { ...keys, serverKey: others.publicKey }]) {
      const circus = client({ endpoint: endpoint(), timeout: 500, curve });
      await assert.rejects(circus.list(), fails('ERR_FOREIGN', /wants other keys/));
    }
    assert.throws(
      () => connect({ endpoint: endpoint(), curve: { ...keys, secretKey: 'short' } }),
      fails('ERR_ARGUMENT', /^"curve\.secretKey" is no key: (?!.*short)/),
    );
  });

  it('makes thousands of requests at once', async () => {
    await fakeDaemon(endpoint(), (request) => request.reply({ echo: request.properties['at'] }));
    const circus = client({ endpoint: endpoint() });
    const numbers = Array.from({ length: 5000 }, (_, at) => at);
    const replies = await Promise.all(numbers.map((at) => circus.call('echo', { at }, { timeout: 15_000 })));
    assert.deepEqual(
      replies.map(({ echo }) => echo),
      numbers,
    );
  });
});

describe('a client whose daemon goes away', () => {
  closeAfterEach();
  const folder = temporaryPerTest();
  const endpoint = () => `ipc://${folder.path}/control`;

  it('hears its last words, and fails what was not answered', async () => {
    const daemon = await fakeDaemon(endpoint(), (request) => {
      if (request.command !== 'quit') return;
      request.reply();
      setImmediate(() => daemon.close());
    });
    const circus = client({ endpoint: endpoint(), timeout: 60_000 });
    const lost = assert.rejects(
      circus.stop(),
      fails('ERR_LOST', /^the daemon at ipc:.* went away before it had answered$/),
    );
    assert.equal((await circus.quit()).status, 'ok');
    await lost;
  });

  it('waits for it until the time is up, and asks whoever comes', async () => {
    const first = await fakeDaemon(endpoint(), () => first.close());
    const circus = client({ endpoint: endpoint() });
    await assert.rejects(circus.list(), fails('ERR_LOST', /went away/));
    await assert.rejects(circus.stop(undefined, { timeout: 150 }), fails('ERR_UNREACHABLE', /so nothing was asked$/));
    const later = circus.call('list');
    const second = await fakeDaemon(endpoint(), (request) => request.reply({ which: 2 }));
    assert.equal((await later)['which'], 2);
    assert.deepEqual(
      second.requests.map(({ command }) => command),
      ['list'],
    );
  });
});
