import assert from 'node:assert/strict';
import { python } from '../../support/python.js';
import { connect } from '../client.js';
import { sessionPerTest } from './session.js';

const ini = `
[watcher:db]
cmd = sleep 600
group = data
label.team = a
[watcher:one]
cmd = sleep 600
group = api
[watcher:rest]
cmd = sleep 600
autostart = False
group = nightly
label.team = b
[watcher:web]
cmd = sleep 600
numprocesses = 2
group = api, nightly
label.team = a
[endpoint:some]
address = ipc://./some.sock
role = operate
watchers = @api, team=a
`;

type Replies = Readonly<Record<string, unknown>>;

describe('what means several watchers', () => {
  const session = sessionPerTest(ini, async ({ client }) => {
    for (const name of ['db', 'one', 'web']) assert.equal(await client.state(name), 'active');
  });
  const { done } = session;

  it('shows no more of the daemon than the endpoint does', async () => {
    const some = connect({ endpoint: `ipc://${session.daemon.folder.path}/some.sock` });
    const seen = async (name: unknown) =>
      Object.keys(
        ((await some.ask('list', Array.isArray(name) ? { names: name } : { name }))['replies'] as Replies) ?? {},
      );
    assert.deepEqual((await some.ask('list'))['watchers'], ['db', 'one', 'web']);
    assert.deepEqual(await seen('*'), ['db', 'one', 'web']);
    assert.deepEqual(await seen('@nightly'), ['web']);
    assert.deepEqual(await seen('team!=zzz'), ['db', 'one', 'web']);
    assert.deepEqual(await seen(['rest']), []);
    assert.deepEqual(Object.keys((await some.ask('groups'))['groups'] as object), ['api', 'data', 'nightly']);
    const { reason } = await some.ask('set', { name: 'web', options: { group: 'nightly' } });
    assert.equal(reason, "'group' needs the role admin");
    const stopped = (await some.ask('stop', { name: '*', waiting: true }))['status'];
    assert.deepEqual([stopped, await session.client.state('rest')], ['ok', 'stopped']);
    // Who leaves the group is gone for it.
    await done('set', { name: 'web', options: { group: '', 'label.team': 'z' } });
    assert.deepEqual(await seen('*'), ['db', 'one']);
    assert.equal((await some.ask('status', { name: 'web' }))['reason'], 'program web not found');
  });

  it('is taken from a client in Python that knows nothing of it', async () => {
    const script = `
import json, sys, zmq
socket = zmq.Context.instance().socket(zmq.DEALER)
socket.linger = 0
socket.connect(sys.argv[1])
def call(command, **properties):
    socket.send(json.dumps({"id": "1", "command": command, "properties": properties}).encode())
    assert socket.poll(8000), "no answer"
    return json.loads(socket.recv())
pids = {name: part["pids"] for name, part in call("list", name="@api")["replies"].items()}
restarted = call("restart", name="@api", match="glob", waiting=True)
assert restarted["status"] == "ok", restarted
for name, part in restarted["replies"].items():
    assert part["info"]["stopped"] == pids[name], part
print(json.dumps([sorted(pids), call("incr", name="web", waiting=True)["numprocesses"], call("stop", name="@none")["errno"]]))
`;
    const { stdout, stderr } = await python(script, [session.daemon.endpoint]);
    assert.equal(stderr, '');
    assert.deepEqual(JSON.parse(stdout), [['one', 'web'], 3, 3]);
  });
});
