import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/eventually.js';
import { python } from '../../support/python.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { client, closeAfterEach } from './fake.js';

/**
 * A stand-in for Circus's daemon: its sockets, and its replies with Circus's fields alone (circus-compat 3.1-3.6, 4).
 * It leaves out what has no name, knows no extension, and ends with "quit", as Circus does.
 */
const script = `
import json, sys, time, zmq

context = zmq.Context()
router = context.socket(zmq.ROUTER)
router.setsockopt(zmq.LINGER, 500)
router.bind(sys.argv[1])
pub = context.socket(zmq.PUB)
pub.bind(sys.argv[2])

state = {"web": "active"}
pids = [11, 12]

def publish(event, **facts):
    pub.send_multipart([b"watcher.web." + event.encode(), json.dumps({"time": time.time(), **facts}).encode()])

def execute(command, props):
    name = props.get("name")
    if name is not None and name.lower() not in state:
        return {"status": "error", "reason": "program %s not found" % name, "tb": None, "errno": 3}
    if command == "globaloptions":
        return {"options": {"endpoint": sys.argv[1], "stats_endpoint": "tcp://127.0.0.1:5557",
            "pubsub_endpoint": sys.argv[2], "check_delay": 5.0, "multicast_endpoint": "udp://237.219.251.97:12027"}}
    if command == "status":
        return {"status": state[name.lower()]} if name else {"statuses": {"web": state["web"]}}
    if command == "list":
        return {"pids": pids} if name else {"watchers": sorted(state)}
    if command == "stop":
        state["web"] = "stopped"
        for pid in pids:
            publish("kill", process_pid=pid)
            publish("reap", process_pid=pid, exit_code=-15)
        publish("stop")
        return {"info": None} if props.get("waiting") else {}
    if command == "incr":
        pids.append(13)
        return {"numprocesses": len(pids)} if props.get("waiting") else {}
    if command == "set":
        publish("updated")
        return {}
    if command == "quit":
        return {}
    return {"status": "error", "reason": "unknown command: %r" % command, "tb": None, "errno": 2}

while True:
    peer, frame = router.recv_multipart()
    request = json.loads(frame)
    command = request["command"].lower()
    reply = {"status": "ok", "time": time.time(), **execute(command, request.get("properties", {})), "id": request["id"]}
    router.send_multipart([peer, json.dumps(reply).encode()])
    if command == "quit":
        break
context.destroy(500)
`;

describe('a client and Circus', () => {
  closeAfterEach();
  const folder = temporaryPerTest();

  it('understand each other without any of our extensions', async () => {
    const endpoint = `ipc://${folder.path}/control`;
    const addresses = [endpoint, `ipc://${folder.path}/events`];
    const daemon = python(script, addresses);
    try {
      const circus = client({ endpoint });
      const { statuses } = await eventually(() => circus.status());
      assert.deepEqual(statuses, { web: 'active' });
      const { status, state } = await circus.status('Web');
      assert.deepEqual([status, state], ['active', undefined]);
      assert.deepEqual((await circus.list()).watchers, ['web']);
      assert.equal((await circus.incr('web')).numprocesses, undefined);
      assert.equal((await circus.incr('web', { waiting: true })).numprocesses, 4);
      await assert.rejects(circus.restart('ghost'), {
        code: 'ERR_REFUSED',
        errno: 3,
        reason: 'program ghost not found',
      });
      await assert.rejects(circus.jobs(), { code: 'ERR_REFUSED', errno: 2 });

      const events = circus.events({ watcher: 'web' });
      await events.ready;
      const first = events.next();
      await eventually(async () => {
        await circus.set('web', { send_hup: true });
        return Promise.race([first.then(() => true), sleep(20, false)]);
      });
      assert.deepEqual(await circus.stop('web', { waiting: true }).then(({ info }) => info), null);
      const words: unknown[] = [];
      for await (const { event, pid, seq } of events) {
        if (event !== 'updated') words.push([event, pid, seq]);
        if (event === 'stop') break;
      }
      assert.deepEqual(words.slice(0, 2), [
        ['kill', 11, undefined],
        ['reap', 11, undefined],
      ]);
    } finally {
      await client({ endpoint, timeout: 2000 })
        .quit()
        .catch(() => undefined);
    }
    const { code, stderr } = await daemon;
    assert.equal(code, 0, stderr);
  });
});
