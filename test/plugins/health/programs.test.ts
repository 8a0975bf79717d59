/** Programs as they are: nobody has taught them anything. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type { Watcher } from '#core';
import { request } from '../../e2e/load.js';
import { eventually } from '../../support/eventually.js';
import { inRoot } from '../../support/paths.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { freePort, portsAreFree } from '../../support/ports.js';
import { worldPerTest } from './world.js';

describe('real programs and their readiness', function () {
  this.timeout(30_000);
  const world = worldPerTest();
  const folder = temporaryPerTest();
  before('find them', () => {
    for (const program of ['nginx', 'gunicorn', 'chaussette'])
      assert.ok(execFileSync('which', [program]), `${program} is missing: run "npm run setup:tests"`);
  });

  /** Starts a watcher and reloads it; answers by which rule its processes were ready, before and after. */
  const cycle = async (watcher: Watcher, answers = true) => {
    await watcher.start().result;
    await eventually(() => assert.ok(watcher.processes.every(({ state }) => state === 'ready')), { within: 10_000 });
    const before = watcher.processes.map(({ pid }) => pid);
    const rules = [world().explained(watcher)];
    await world().arbiter.reload(watcher).result;
    assert.ok(watcher.processes.every(({ pid, state }) => !before.includes(pid) && state === 'ready'));
    if (answers) assert.equal((await request(world().port)).status, 200);
    return [...rules, world().explained(watcher)].join('\n');
  };
  const web = (cmd: string, given: Partial<Watcher['spec']> = {}, options = {}) =>
    world().add(cmd, options, { use_sockets: true, working_dir: inRoot('docs', 'examples', 'web'), ...given });
  /** All digits but the last of ports of which the first two are free: their last digits are the places. */
  const decade = async (): Promise<string> => {
    const start = String(await freePort()).slice(0, -1);
    return portsAreFree(Number(`${start}1`), Number(`${start}2`)).then(
      () => start,
      () => decade(),
    );
  };
  const python = { env: { PYTHONDONTWRITEBYTECODE: '1' } };

  it('chaussette sleeps in poll', async () => {
    const cmd = 'chaussette --fd $(circus.sockets.web) --backend wsgiref hello:application';
    const rules = await cycle(web(cmd, python));
    assert.match(rules, /sleeps in poll[^]*sleeps in poll/);
    assert.match(rules, /It has no handler for SIGTERM: a stop cuts the requests it is at\.$/);
  });

  it('the worker of gunicorn sleeps in select, below a master that does so for itself', async () => {
    const cmd = 'gunicorn --worker-tmp-dir /dev/shm --bind fd://$(circus.sockets.web) hello:application';
    const rules = await cycle(web(cmd, python));
    assert.match(rules, /sleeps in select\(\), which tells nothing, and has lived 1 s/);
    assert.doesNotMatch(rules, /no handler/);
  });

  it('a server of Node has it in an epoll set', async () => {
    const code = `require('http').createServer((_, response) => response.end('x')).listen({ fd: Number(process.argv[1]) })`;
    const args = ['-e', code, '$(circus.sockets.web)'];
    assert.match(await cycle(web(process.execPath, { args })), /has it in an epoll set[^]*has it in an epoll set/);
  });

  /** The words of nginx, with two workers that listen there. */
  const nginx = (listen: string) => {
    const text = `daemon off; pid ${folder.path}/pid; error_log stderr; worker_processes 2;
events { worker_connections 64; }
http { access_log off; server { listen ${listen}; location / { return 200 ok; } } }`;
    return ['-p', folder.path, '-c', folder.write('nginx.conf', text)];
  };

  it('the workers of nginx accept on a socket that their master inherited', async () => {
    const { port } = world();
    const env = { NGINX: '$(circus.sockets.web);' };
    const watcher = web('/usr/sbin/nginx', { args: nginx(`127.0.0.1:${port}`), env, stop_signal: 3 });
    assert.match(await cycle(watcher), /has it in an epoll set/);
  });

  it('nginx on a port of its own is ready when it listens', async () => {
    const port = await freePort();
    const args = nginx(`127.0.0.1:${port}`);
    const watcher = world().add('/usr/sbin/nginx', { 'ready.listen': '1', 'alive.tcp': `127.0.0.1:${port}` }, { args });
    await watcher.start().result;
    assert.equal(world().explained(watcher), `It counts as ready: ready.listen: it listens on port ${port}.`);
    assert.equal((await request(port)).text, 'ok');
  });

  it('a server of Python on a port for each place answers by http', async () => {
    const port = await decade();
    const cmd = `/usr/bin/python3 -m http.server --bind 127.0.0.1 ${port}$(circus.wid)`;
    const url = `http://127.0.0.1:${port}$(circus.wid)/`;
    const options = { 'ready.http': url, 'ready.http_body': 'Directory listing', 'alive.http': url };
    const watcher = world().add(cmd, options, { working_dir: folder.path });
    assert.match(await cycle(watcher, false), /ready.http: it passes/);
  });
});
