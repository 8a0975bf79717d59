import assert from 'node:assert/strict';
import { eventually } from '../../support/eventually.js';
import { python } from '../../support/python.js';
import { closeClients, connect } from '../client.js';
import { daemonPerTest } from '../daemon.js';

/** What Circus's own client does: a DEALER with an identity of its own, a request and a poll, events on a SUB. */
const script = `
import json, sys, time, uuid, zmq

context = zmq.Context()
dealer = context.socket(zmq.DEALER)
dealer.setsockopt_string(zmq.IDENTITY, uuid.uuid4().hex)
dealer.setsockopt(zmq.LINGER, 0)
dealer.connect(sys.argv[1])
poller = zmq.Poller()
poller.register(dealer, zmq.POLLIN)

def call(command, **properties):
    number = uuid.uuid4().hex
    dealer.send_string(json.dumps({"id": number, "command": command, "properties": properties}))
    while poller.poll(8000):
        reply = json.loads(dealer.recv())
        if reply["id"] == number:
            return reply
    raise SystemExit(command + " timed out")

def names(topic):
    return topic.split(".", 1)[1]

events = context.socket(zmq.SUB)
events.setsockopt(zmq.LINGER, 0)
events.setsockopt_string(zmq.SUBSCRIBE, "watcher.web.")
events.connect(call("globaloptions", option="pubsub_endpoint")["options"]["pubsub_endpoint"])
while not events.poll(20):
    call("set", name="web", options={"send_hup": False})
while events.poll(50):
    events.recv_multipart()

told = {}
told["list"] = call("list")["watchers"]
told["status"] = call("status", name="Web")["status"]
told["incr"] = call("incr", name="web", waiting=True)["numprocesses"]
told["pids"] = len(call("list", name="web")["pids"])
told["decr"] = call("decr", name="web", nb=1, waiting=True)["numprocesses"]
told["restart"] = sorted(call("restart", name="web", waiting=True)["info"])
told["reload"] = sorted(call("reload", name="web", waiting=True)["info"])
told["unknown"] = call("nothing")["reason"]
told["events"] = []
while len(told["events"]) < 10 and events.poll(2000):
    topic, payload = events.recv_multipart()
    assert "time" in json.loads(payload)
    word = topic.decode().rsplit(".", 1)[1]
    # Circus has no such event, and its clients pass over what they do not know.
    if word != "ready":
        told["events"].append(word)
told["quit"] = call("quit", waiting=True)["status"]
print(json.dumps(told))
context.destroy()
`;

describe('a client of Circus, in Python', () => {
  const start = daemonPerTest();
  closeClients();

  it('drives a daemon as it drove Circus', async () => {
    const daemon = await start('[watcher:Web]\ncmd = sleep 600\ncopy_env = True\nready_after = 0\n');
    const client = connect(daemon);
    await eventually(async () => (await client.ask('status', { name: 'web' }))['status'] === 'active');
    const { code, stdout, stderr } = await python(script, [daemon.endpoint]);
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), {
      list: ['web'],
      status: 'active',
      incr: 2,
      pids: 2,
      decr: 1,
      restart: ['kept', 'started', 'stopped'],
      reload: ['kept', 'started', 'stopped'],
      unknown: "unknown command: 'nothing'",
      events: ['spawn', 'kill', 'kill', 'reap', 'stop', 'spawn', 'start', 'spawn', 'kill', 'reload'],
      quit: 'ok',
    });
    assert.equal(await daemon.exited, 0);
    await daemon.stop();
  });
});
