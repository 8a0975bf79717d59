import assert from 'node:assert/strict';
import { eventually } from '../../support/eventually.js';
import { connect } from '../client.js';
import { sessionPerTest } from './session.js';

const ini = '[watcher:web]\ncmd = sleep 600\n';
const request = (facts: Readonly<Record<string, unknown>>) => JSON.stringify(facts);
const mebibyte = 1 << 20;

describe('the protocol of the controller', () => {
  const session = sessionPerTest(ini);

  /** Sends frames; resolves with their reply, or undefined when the next request is answered instead. */
  async function replyTo(...frames: (string | Uint8Array)[]) {
    await session.client.send(...frames);
    await session.client.send(request({ command: 'numwatchers', id: 'marker' }));
    const reply = await session.client.receive();
    if (reply['id'] === 'marker') return undefined;
    assert.equal((await session.client.receive())['id'], 'marker');
    return reply;
  }

  it('answers what is not JSON, or not UTF-8, with errno 1', async () => {
    for (const text of ['not json', '{"command": ', '{command: 1}', Buffer.from([0x22, 0xff, 0x22]), '\0']) {
      const { time, ...reply } = (await replyTo(text))!;
      assert.equal(typeof time, 'number');
      assert.deepEqual(reply, { status: 'error', reason: 'json invalid', tb: null, errno: 1, id: null });
    }
  });

  it('does not answer JSON that is no request, nor an empty frame', async () => {
    const silent = ['', '  \n', '[]', '5', '"status"', 'null', 'true', '{}', '{"id": 1}'];
    const commands = [null, 5, true, [], ['status'], {}].map((command) => request({ command, id: 1 }));
    for (const text of [...silent, ...commands]) assert.equal(await replyTo(text), undefined, text);
  });

  it('takes blanks around a request, and its name in any case', async () => {
    assert.equal((await replyTo(`\n  ${request({ command: 'NumWatchers' })}\t\n`))!['numwatchers'], 1);
  });

  it('echoes an id of any type, and null for none', async () => {
    for (const id of ['x', '', 0, -1.5, 1e21, true, false, null, [], [1, [2]], {}, { a: { b: 'ü' } }]) {
      assert.deepEqual((await replyTo(request({ command: 'numwatchers', id })))!['id'], id);
      assert.deepEqual((await replyTo(request({ command: 'nothing', id })))!['id'], id);
    }
    assert.equal((await replyTo(request({ command: 'numwatchers' })))!['id'], null);
  });

  it('names an unknown command as Python would', async () => {
    const reasonFor = async (command: string) => {
      const { errno, reason } = (await replyTo(request({ command })))!;
      assert.equal(errno, 2);
      return reason;
    };
    assert.equal(await reasonFor('Nothing'), "unknown command: 'Nothing'");
    assert.equal(await reasonFor("it's"), `unknown command: "it's"`);
    assert.equal(await reasonFor(`"it's"`), `unknown command: '"it\\'s"'`);
    assert.equal(await reasonFor('a\nb\\'), `unknown command: 'a\\nb\\\\'`);
    assert.equal(await reasonFor(''), `unknown command: ''`);
    assert.equal(await reasonFor('constructor'), `unknown command: 'constructor'`);
  });

  it('says which property is missing or wrong', async () => {
    const wrong = async (command: string, properties: unknown) => {
      const { errno, reason } = (await replyTo(request({ command, properties })))!;
      return [errno, reason];
    };
    for (const command of ['options', 'incr', 'decr', 'kill', 'rm', 'signal', 'add', 'set', 'get'])
      assert.deepEqual(await wrong(command, {}), [3, "message invalid 'name' is missing"]);
    assert.deepEqual(await wrong('signal', { name: 'web' }), [3, "message invalid 'signum' is missing"]);
    assert.deepEqual(await wrong('set', { name: 'web' }), [3, "message invalid 'options' is missing"]);
    assert.deepEqual(await wrong('get', { name: 'web' }), [3, "message invalid 'keys' is missing"]);
    assert.deepEqual(await wrong('add', { name: 'x' }), [3, "message invalid 'cmd' is missing"]);
    for (const properties of [null, 'web', 5]) assert.equal((await wrong('list', properties))[0], 5);
    assert.deepEqual(await wrong('list', { name: 5 }), [5, "'name' is a text"]);
    assert.deepEqual(await wrong('list', { name: 'nobody' }), [3, 'program nobody not found']);
  });

  it('lets commands without properties have any', async () => {
    for (const properties of [null, 'web', 5, [], {}, { more: 1 }])
      assert.equal((await replyTo(request({ command: 'numwatchers', properties })))!['status'], 'ok');
  });

  it('does not answer a cast, whatever comes of it', async () => {
    const cast = (command: string, properties: unknown = {}) =>
      replyTo(request({ command, properties, msg_type: 'cast', id: 1 }));
    assert.equal(await cast('status'), undefined);
    assert.equal(await cast('nothing'), undefined);
    assert.equal(await cast('list', { name: 'nobody' }), undefined);
    assert.equal(await cast('incr', { name: 'web', waiting: true }), undefined);
    await eventually(async () => (await session.client.ask('numprocesses', { name: 'web' }))['numprocesses'] === 2);
    assert.equal((await replyTo(request({ command: 'status', msg_type: 'call' })))!['status'], 'ok');
  });

  it('takes a request of 1 MiB, refuses a larger one, and drops who sends a huge one', async () => {
    const padded = (size: number) => {
      const text = request({ command: 'numwatchers', id: 'big', properties: { pad: '' } });
      return text.replace('""', `"${'x'.repeat(size - text.length)}"`);
    };
    assert.equal((await replyTo(padded(mebibyte)))!['status'], 'ok');
    const { errno, reason, id } = (await replyTo(padded(mebibyte + 1)))!;
    assert.deepEqual([errno, reason, id], [3, 'the request is larger than 1048576 bytes', null]);

    await connect(session.daemon).send(padded(9 * mebibyte));
    assert.equal((await session.client.ask('status'))['status'], 'ok');
  });

  it('drops messages of many frames with a warning', async () => {
    const text = request({ command: 'status', id: 1 });
    assert.equal(await replyTo('', text), undefined);
    assert.equal(await replyTo(text, text), undefined);
    assert.equal(await replyTo(...Array.from({ length: 500 }, () => text)), undefined);
    await eventually(() => assert.match(session.daemon.log, /got a message of 2 frames; a request is one/));
  });
});
