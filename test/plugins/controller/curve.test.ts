import assert from 'node:assert/strict';
import { chmodSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { curveKeyPair, Dealer, Subscriber } from 'zeromq';
import { toZ85 } from '#plugins/controller/authenticator.js';
import { keyIn, readKeyPair, readPublicKeys, writeKeys, type KeyPair } from '#plugins/controller/keys.js';
import { runCircusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { freePort } from '../../support/ports.js';
import { python } from '../../support/python.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { daemonPerTest } from '../daemon.js';

const watcher = '\n[watcher:web]\ncmd = sleep 600\n';

describe('keys in files', () => {
  const temporary = temporaryPerTest();

  it('are written as ZeroMQ’s own tools write them, the secret for its owner only, and never over others', () => {
    const pair = curveKeyPair();
    const [open, secret] = writeKeys(`${temporary.path}/keys`, 'laptop', pair) as [string, string];
    assert.deepEqual(readKeyPair(secret), pair);
    assert.deepEqual(readPublicKeys(`${temporary.path}/keys`), new Map([[pair.publicKey, 'laptop']]));
    assert.equal(statSync(secret).mode & 0o777, 0o600);
    assert.throws(() => writeKeys(`${temporary.path}/keys`, 'laptop', pair), { code: 'EEXIST' });
    chmodSync(secret, 0o640);
    assert.throws(() => readKeyPair(secret), { message: `"${secret}" holds a secret key, and others may read it` });
    assert.throws(() => readKeyPair(open), /does not hold a public-key and a secret-key, as NAME\.key_secret does$/);
    assert.equal(keyIn('public-key = "short"', 'public'), undefined);
  });

  it('are read from bytes as ZeroMQ’s standard says', () => {
    // The example of RFC 32.
    assert.equal(toZ85(Buffer.from([0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b])), 'HelloWorld');
  });
});

describe('CURVE', () => {
  const temporary = temporaryPerTest();
  const start = daemonPerTest();
  const server = curveKeyPair();
  const laptop = curveKeyPair();
  const stranger = curveKeyPair();

  interface Ports {
    readonly endpoint: string;
    readonly pubsub: string;
  }

  async function begin(more = ''): Promise<Ports & { readonly daemon: Awaited<ReturnType<typeof start>> }> {
    const [endpoint, pubsub] = [`tcp://127.0.0.1:${await freePort()}`, `tcp://127.0.0.1:${await freePort()}`];
    const [, secret] = writeKeys(temporary.path, 'daemon', server);
    writeKeys(`${temporary.path}/authorized`, 'laptop', laptop);
    const keys = `curve = 1\ncurve_key = ${secret}\nauthorized_keys = ${temporary.path}/authorized\n`;
    const circus = `[circus]\nendpoint = ${endpoint}\npubsub_endpoint = ${pubsub}\n${keys}${more}`;
    const daemon = await start(`${circus}${watcher}`, {
      ready: ({ log }) => log.includes('Arbiter now waiting for commands'),
    });
    return { endpoint, pubsub, daemon };
  }

  /** The words of the reply; undefined when none comes because the daemon let nobody in. */
  async function ask(endpoint: string, pair: KeyPair | undefined, command = 'list'): Promise<unknown> {
    const keys = pair && {
      curveServerKey: server.publicKey,
      curvePublicKey: pair.publicKey,
      curveSecretKey: pair.secretKey,
    };
    const dealer = new Dealer({ linger: 0, receiveTimeout: 4000, ...keys });
    try {
      const refused = new Promise<undefined>((resolve) => {
        for (const event of ['handshake:error:auth', 'handshake:error:protocol', 'handshake:error:other'] as const)
          dealer.events.on(event, () => resolve(undefined));
        // One without keys is hung up on.
        if (!pair) dealer.events.on('disconnect', () => resolve(undefined));
      });
      dealer.connect(endpoint);
      await dealer.send(JSON.stringify({ id: 1, command }));
      const frames = await Promise.race([dealer.receive(), refused]);
      return frames && JSON.parse(String(frames[0]));
    } finally {
      dealer.close();
    }
  }

  it('lets in the owners of authorized keys, and nobody else', async () => {
    const { endpoint, daemon } = await begin();
    assert.deepEqual(((await ask(endpoint, laptop)) as { watchers: unknown }).watchers, ['web']);
    assert.equal(await ask(endpoint, stranger), undefined);
    assert.equal(await ask(endpoint, undefined), undefined);
    assert.doesNotMatch(daemon.log, /every user of this machine/);
    // The only key there ever was is known to be the one.
    await ask(endpoint, laptop, 'stop');
    await eventually(() => assert.match(daemon.log, /operator \(key laptop\): stop/));
    assert.ok(!daemon.log.includes(server.secretKey));
  });

  it('lets keys come and go while it runs', async () => {
    const { endpoint } = await begin();
    // One bad file keeps nobody else out.
    temporary.write('authorized/empty.key', '');
    symlinkSync('/nowhere', `${temporary.path}/authorized/broken.key`);
    writeKeys(`${temporary.path}/authorized`, 'stranger', stranger);
    await eventually(async () => assert.notEqual(await ask(endpoint, stranger), undefined));
    rmSync(`${temporary.path}/authorized/laptop.key`);
    await eventually(async () => assert.equal(await ask(endpoint, laptop), undefined));
  });

  it('is for events too', async () => {
    const { pubsub, endpoint } = await begin();
    const heard = async (pair: KeyPair) => {
      const subscriber = new Subscriber({
        linger: 0,
        receiveTimeout: 1500,
        ...{ curveServerKey: server.publicKey, curvePublicKey: pair.publicKey, curveSecretKey: pair.secretKey },
      });
      try {
        subscriber.subscribe('watcher.web.');
        subscriber.connect(pubsub);
        const poke = setInterval(() => void ask(endpoint, laptop, 'reload'), 200);
        return await subscriber
          .receive()
          .then(
            ([topic]) => String(topic),
            () => undefined,
          )
          .finally(() => clearInterval(poke));
      } finally {
        subscriber.close();
      }
    };
    assert.match((await heard(laptop)) ?? '', /^watcher\.web\./);
    assert.equal(await heard(stranger), undefined);
  });

  it('is spoken by Python’s ZeroMQ with the same files', async () => {
    const { endpoint } = await begin();
    const script = `
import json, sys, zmq, zmq.auth
public, secret = zmq.auth.load_certificate(sys.argv[3])
server, _ = zmq.auth.load_certificate(sys.argv[2])
dealer = zmq.Context.instance().socket(zmq.DEALER)
dealer.linger = 0
dealer.curve_publickey, dealer.curve_secretkey, dealer.curve_serverkey = public, secret, server
dealer.connect(sys.argv[1])
dealer.send_string(json.dumps({"command": "numwatchers", "id": "1"}))
print(json.loads(dealer.recv())["numwatchers"] if dealer.poll(4000) else "nothing")
`;
    const args = [endpoint, `${temporary.path}/daemon.key`, `${temporary.path}/authorized/laptop.key_secret`];
    const { stdout, stderr } = await python(script, args);
    assert.equal(stdout, '1\n', stderr);
  });

  it('gives an endpoint of the network to the owners of its own keys, with its role', async () => {
    const port = await freePort();
    writeKeys(`${temporary.path}/viewers`, 'stranger', stranger);
    const lines = `address = tcp://0.0.0.0:${port}\nrole = view\ncurve = 1\nauthorized_keys = ${temporary.path}/viewers\n`;
    const { endpoint } = await begin(`\n[endpoint:remote]\n${lines}`);
    const remote = `tcp://127.0.0.1:${port}`;
    assert.equal(((await ask(remote, stranger)) as { status: string }).status, 'ok');
    assert.equal(((await ask(remote, stranger, 'quit')) as { errno: number }).errno, 5);
    assert.equal(await ask(remote, laptop), undefined);
    assert.equal(await ask(endpoint, stranger), undefined);
  });

  it('is not begun with keys that can’t be used: the option and its place are told', async () => {
    const [, secret] = writeKeys(temporary.path, 'daemon', server);
    const end = async (lines: string) => {
      const ini = `[circus]\nendpoint = tcp://127.0.0.1:*\npubsub_endpoint = tcp://127.0.0.1:*\ncurve = 1\n${lines}${watcher}`;
      const { code, stderr } = await runCircusd([temporary.write('circus.ini', ini)], { cwd: temporary.path });
      assert.equal(code, 4);
      return stderr.replaceAll('\\"', '"');
    };
    const nowhere = `${temporary.path}/nowhere`;
    assert.match(
      await end(`curve_key = ${nowhere}\n`),
      /circus\.ini:5:13: .*"curve_key".*nowhere" can't be used: no such file/,
    );
    assert.match(
      await end(`curve_key = ${secret}\nauthorized_keys = ${nowhere}\n`),
      /circus\.ini:6:19: .*"authorized_keys".*nowhere" can't be used: no such file/,
    );
    chmodSync(secret!, 0o644);
    assert.match(await end(`curve_key = ${secret}\n`), /holds a secret key, and others may read it/);
  });
});
