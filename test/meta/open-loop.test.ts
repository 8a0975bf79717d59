/** The client that looks for lost requests finds each way of losing one. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { eventually } from '../support/eventually.js';
import { OpenLoop, percentile, serves, sustained, type LoadOptions, type Outcome } from '../support/open-loop.js';
import { freePort } from '../support/ports.js';

/** What a server does with a request for a path; `count` is how many came before it on its connection. */
type Serve = (client: Socket, path: string, count: number) => unknown;

const answer = (body: string, more = '') => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;
const well: Serve = (client, path) => client.write(answer(`v1 ${path}\n`));
/** As well as it can be done where there is a connection for each request. */
const alone: Serve = (client, path) => client.end(answer(`v1 ${path}\n`, 'Connection: close\r\n'));

describe('the open loop of requests', () => {
  const servers: Server[] = [];
  const clients = new Set<Socket>();

  const listen = async (serve: Serve): Promise<number> => {
    const server = createServer((client) => {
      clients.add(client);
      let count = 0;
      client.on('error', () => undefined).once('close', () => clients.delete(client));
      client.setEncoding('latin1').on('data', (text: string) => serve(client, text.split(' ')[1]!, count++));
    }).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  afterEach('close the servers', async () => {
    for (const client of clients) client.destroy();
    await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  });

  /** Sends until so many were answered or something failed. */
  const play = async (serve: Serve, options: Partial<LoadOptions> = {}, count = 20): Promise<Outcome> => {
    const load = new OpenLoop({ port: await listen(serve), rate: 500, versions: ['v1'], ...options });
    await eventually(() => load.answered >= count || load.failing);
    return load.stop();
  };
  const failures = ({ failed }: Outcome) => [...failed.keys()];

  it('counts what is answered, by version and time', async () => {
    const outcome = await play(alone);
    assert.deepEqual([outcome.answered, outcome.crossed, failures(outcome)], [outcome.sent, 0, []]);
    assert.deepEqual([...outcome.versions], [['v1', outcome.sent]]);
    assert.equal(outcome.latencies.length, outcome.sent);
    assert.ok(outcome.latencies[0]! > 0);
  });

  it('keeps its rate when answers are slow, and counts from the time at which a request was due', async () => {
    const outcome = await play((client, path) => setTimeout(() => alone(client, path, 0), 200), { rate: 100 });
    assert.ok(outcome.sent >= 35, `${outcome.sent} were sent in at least 390 ms`);
    assert.ok(outcome.latencies[0]! >= 199, String(outcome.latencies[0]));
    // The loop itself is held up: what became due meanwhile has waited.
    const load = new OpenLoop({ port: await listen(alone), rate: 100, versions: ['v1'] });
    await eventually(() => load.answered > 0);
    const end = performance.now() + 300;
    while (performance.now() < end);
    await eventually(() => load.answered > 25);
    assert.ok((await load.stop()).latencies.at(-1)! >= 250);
  });

  it('finds answers that are those of another request, of another version or no success', async () => {
    assert.deepEqual(failures(await play((client) => alone(client, '/0', 0))), ['wrong']);
    assert.deepEqual(failures(await play((client, path) => client.end(answer(`v2 ${path}\n`)))), ['wrong']);
    const refusal = (client: Socket, path: string) => client.end(answer(`v1 ${path}\n`).replace('200', '503'));
    const outcome = await play(refusal);
    assert.match(outcome.complaints[0]!, /^after 0\.\d+ s: \/1: status 503, "v1 \/1\\n", of v1$/);
  });

  it('finds an old version that answers when only the new one may', async () => {
    const load = new OpenLoop({ port: await listen(alone), rate: 500, versions: ['v1'] });
    await eventually(() => load.answered > 5);
    load.expect('v1', 'v2');
    const answered = load.answered;
    await eventually(() => load.answered > answered + 5);
    assert.equal(load.failing, false);
    load.expect('v2');
    await eventually(() => load.failing);
    assert.deepEqual(failures(await load.stop()), ['wrong']);
  });

  it('finds connections that are refused, cut or reset, and answers that do not come', async () => {
    const load = new OpenLoop({ port: await freePort(), rate: 100, versions: ['v1'] });
    await eventually(() => load.failing);
    assert.deepEqual(failures(await load.stop()), ['refused']);
    assert.deepEqual(failures(await play((client) => client.end())), ['cut']);
    assert.deepEqual(failures(await play((client, path) => client.end(answer(`v1 ${path}\n`).slice(0, -1)))), ['cut']);
    assert.deepEqual(failures(await play((client) => client.resetAndDestroy())), ['reset']);
    assert.deepEqual(failures(await play(() => undefined, { patience: 50 })), ['late']);
  });

  it('finds a reset after the answer', async () => {
    // One that comes with the answer looks like an end to libuv.
    const reset: Serve = (client, path) => {
      client.write(answer(`v1 ${path}\n`));
      setTimeout(() => client.resetAndDestroy(), 10);
    };
    const load = new OpenLoop({ port: await listen(reset), rate: 100, versions: ['v1'] });
    await eventually(() => load.failing);
    assert.deepEqual(failures(await load.stop()), ['reset']);
  });

  it('uses connections again where that is wanted, and not those that close', async () => {
    let used = 0;
    const outcome = await play((client, path, count) => (used = Math.max(used, count)) >= 0 && well(client, path, 0), {
      keepAlive: true,
    });
    assert.deepEqual([failures(outcome), used > 0], [[], true]);
    const closing = await play(
      (client, path, count) => {
        assert.equal(count, 0);
        alone(client, path, 0);
      },
      { keepAlive: true },
    );
    assert.deepEqual([failures(closing), closing.crossed], [[], 0]);
  });

  it('takes the end of a kept connection between two answers for clean, and asks again', async () => {
    const serve: Serve = (client, path, count) => (count > 0 ? client.resetAndDestroy() : well(client, path, 0));
    const outcome = await play(serve, { keepAlive: true });
    assert.deepEqual(failures(outcome), []);
    assert.equal(outcome.answered, outcome.sent);
    assert.ok(outcome.crossed > 0);
    // But not in the middle of one, and not the first one.
    const middle: Serve = (client, path, count) =>
      count > 0 ? client.end('HTTP/1.1 200 OK\r\n') : well(client, path, 0);
    assert.deepEqual(failures(await play(middle, { keepAlive: true })), ['cut']);
    assert.deepEqual(failures(await play((client) => client.end(), { keepAlive: true })), ['cut']);
  });

  it('measures what a program sustains, and asks once', async () => {
    const port = await listen(alone);
    assert.ok((await sustained(port, 200, 2)) > 10);
    assert.equal((await serves(port)).body, 'v1 /\n');
    await assert.rejects(serves(await freePort()), /refused|ECONNREFUSED/);
  });

  it('knows percentiles', () => {
    const values = Array.from({ length: 1000 }, (_, at) => at + 1);
    assert.deepEqual(
      [0.5, 0.999, 1].map((part) => percentile(values, part)),
      [500, 999, 1000],
    );
    assert.equal(percentile([], 0.5), 0);
  });
});
