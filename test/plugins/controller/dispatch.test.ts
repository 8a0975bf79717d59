import assert from 'node:assert/strict';
import { Arbiter } from '#core';
import type { Asker } from '#plugins/controller/asker.js';
import type { Command, Fields } from '#plugins/controller/command.js';
import { Dispatcher } from '#plugins/controller/dispatch.js';
import { Jobs } from '#plugins/controller/jobs.js';
import { RequestError } from '#plugins/controller/protocol.js';
import { Records } from '#plugins/controller/records.js';

const anything = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const;
const settings = { endpoint: '', stats_endpoint: '', pubsub_endpoint: '', check_delay: 5, multicast_endpoint: '' };

function command(name: string, run: Command['run'], flags: readonly string[] = []): Command {
  return {
    name,
    run,
    summary: '',
    reply: '',
    role: 'operate',
    properties: anything,
    words: [{ name: 'x', kind: 'text', summary: '' }],
    flags: flags.map((name) => ({ name, kind: 'flag', summary: '' })),
  };
}

const tester: Asker = { name: 'tester', role: 'admin' };

function make(...commands: readonly Command[]) {
  const arbiter = new Arbiter();
  const context = {
    arbiter,
    records: new Records(arbiter, { dropped: 0, put: () => undefined }),
    settings,
    configuration: undefined,
    publish: () => undefined,
    owner: undefined,
    jobs: new Jobs(),
  };
  const audited: string[] = [];
  const dispatcher = new Dispatcher(commands, context, {
    over: (_, { command, state, reason }) =>
      void audited.push(`${command} ${state}${reason === undefined ? '' : `: ${reason}`}`),
    refused: (_, command) => void audited.push(`${command} refused`),
  });
  const replies: Record<string, unknown>[] = [];
  const ask = (facts: Readonly<Record<string, unknown>>) => {
    dispatcher.handle(Buffer.from(JSON.stringify(facts)), tester, (text) => {
      const { time: _, job: __, ...reply } = JSON.parse(text) as Record<string, unknown>;
      replies.push(reply);
    });
  };
  return { dispatcher, audited, replies, ask };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('the dispatcher', () => {
  it('gives a command its properties and who asks, and merges the fields over the reply', () => {
    const { ask, replies } = make(command('look', (properties, { by }) => ({ status: 'fine', properties, by, id: 7 })));
    ask({ command: 'LOOK', id: 1, properties: { a: 1 } });
    assert.deepEqual(replies, [{ status: 'fine', properties: { a: 1 }, by: 'tester (job 1)', id: 1 }]);
  });

  it('answers a promise when it settles', async () => {
    let settle!: (fields: Fields) => void;
    const { ask, replies } = make(command('look', () => new Promise<Fields>((resolve) => (settle = resolve))));
    ask({ command: 'look', id: 1 });
    await turn();
    assert.deepEqual(replies, []);
    settle({ found: true });
    await turn();
    assert.deepEqual(replies, [{ status: 'ok', found: true, id: 1 }]);
  });

  it('answers a command that may wait at once, and with waiting when it is done', async () => {
    const { ask, replies } = make(command('work', async () => ({ done: 3 }), ['waiting']));
    ask({ command: 'work', id: 1 });
    assert.deepEqual(replies, [{ status: 'ok', id: 1 }]);
    ask({ command: 'work', id: 2, properties: { waiting: true } });
    assert.equal(replies.length, 1);
    await turn();
    assert.deepEqual(replies[1], { status: 'ok', done: 3, id: 2 });
  });

  it('tells of how work ended, also when its request was answered already', async () => {
    const { ask, replies, audited } = make(
      command('work', () => Promise.reject(new Error('no luck')), ['waiting']),
      command('look', () => Promise.reject(new RequestError(4, 'the system says no'))),
    );
    ask({ command: 'work', id: 1 });
    ask({ command: 'work', id: 2, properties: { waiting: 1 } });
    ask({ command: 'look', id: 3 });
    await turn();
    const error = { status: 'error', tb: null };
    assert.deepEqual(replies, [
      { status: 'ok', id: 1 },
      { ...error, errno: 6, reason: 'no luck', id: 2 },
      { ...error, errno: 4, reason: 'the system says no', id: 3 },
    ]);
    assert.deepEqual(audited, ['work failed: no luck', 'work failed: no luck', 'look failed: the system says no']);
  });

  it('makes an answer of what a careless command returns', async () => {
    const circle: Record<string, unknown> = {};
    circle['circle'] = circle;
    const careless: readonly unknown[] = [undefined, null, [1], 'text', circle, { then: 'no promise' }];
    const { ask, replies } = make(
      ...careless.map((answer, at) => command(`now${at}`, () => answer as Fields)),
      ...careless.map((answer, at) => command(`late${at}`, async () => answer as Fields)),
      command('throws', () => {
        throw 'a text';
      }),
    );
    for (const name of ['now', 'late']) for (const at of careless.keys()) ask({ command: `${name}${at}`, id: at });
    ask({ command: 'throws' });
    await turn();
    const errors = (errno: number) => replies.filter((reply) => reply['errno'] === errno).map(({ reason }) => reason);
    assert.equal(replies.length, 2 * careless.length + 1);
    assert.equal(replies.filter(({ status }) => status === 'ok').length, 8);
    assert.deepEqual(replies.find(({ id }) => id === 2)?.['results'], [1]);
    assert.deepEqual(
      errors(6).filter((reason) => reason === 'server error'),
      ['server error', 'server error'],
    );
    assert.ok(errors(5).includes('a text'));
  });

  it('waits for open answers, and not for ever', async () => {
    const { ask, dispatcher, replies } = make(
      command('soon', async () => {
        await turn();
        return { soon: true };
      }),
      command('never', () => new Promise<Fields>(() => undefined)),
    );
    await dispatcher.answered(60_000);
    ask({ command: 'soon' });
    await dispatcher.answered(60_000);
    assert.equal(replies.length, 1);
    ask({ command: 'never' });
    await dispatcher.answered(1);
    assert.equal(replies.length, 1);
  });

  it('takes further commands and lets go of them', () => {
    const { ask, dispatcher, replies } = make(command('one', () => ({})));
    const remove = dispatcher.add(command('two', () => ({ two: 2 })));
    ask({ command: 'two' });
    assert.equal(replies[0]?.['two'], 2);
    remove();
    ask({ command: 'two' });
    assert.equal(replies[1]?.['reason'], "unknown command: 'two'");
    const another = dispatcher.add(command('two', () => ({ two: 3 })));
    remove();
    ask({ command: 'two' });
    assert.equal(replies[2]?.['two'], 3);
    another();
  });

  it('refuses what is no command, or has a name that is taken', () => {
    const { dispatcher } = make(command('one', () => ({})));
    const good = command('two', () => ({}));
    const refused = (changed: Readonly<Record<string, unknown>>, message: RegExp) =>
      assert.throws(() => dispatcher.add({ ...good, ...changed }), { message });
    refused({ name: 'one' }, /"one" exists already/);
    refused({ name: 'Two' }, /"Two" needs a name of lower-case letters/);
    refused({ name: undefined }, /needs a name/);
    for (const role of [undefined, 'Admin', '__proto__']) refused({ role }, /"two" needs a role: view, operate, admin/);
    refused({ run: undefined }, /"two" has no run\(\)/);
    refused({ summary: undefined }, /has no summary/);
    refused({ properties: {} }, /has no properties \(a Standard Schema\)/);
    refused({ flags: undefined }, /has no lists of words and flags/);
  });

  it('refuses properties that their check has no answer for yet', () => {
    const properties = { '~standard': { version: 1 as const, vendor: 'x', validate: async () => ({ value: 1 }) } };
    const { ask, replies } = make({ ...command('slow', () => ({})), properties });
    ask({ command: 'slow' });
    assert.equal(replies[0]?.['reason'], 'the properties of "slow" are checked too late');
  });

  it('answers without the id when that is too deep to be written again', () => {
    const { dispatcher } = make(command('look', () => ({ found: true })));
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    const answer = (name: string) => {
      let reply = '';
      dispatcher.handle(Buffer.from(`{"command": "${name}", "id": ${deep}}`), tester, (text) => (reply = text));
      const { status, errno, id } = JSON.parse(reply) as Record<string, unknown>;
      return { status, errno, id };
    };
    assert.deepEqual(answer('look'), { status: 'ok', errno: undefined, id: null });
    assert.deepEqual(answer('nothing'), { status: 'error', errno: 2, id: null });
  });
});
