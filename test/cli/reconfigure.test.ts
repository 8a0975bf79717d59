/** Reading the configuration again: what is broken now keeps its old form, and what failed is not taken for done. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { circusdPerTest, type Circusd } from '../support/circusd.js';
import { eventually } from '../support/eventually.js';
import { environmentOf } from '../support/proc.js';

const quick = 'ready_after = 0\ngraceful_timeout = 5\n';
const sleeper = (name: string, more = '') => `[watcher:${name}]\ncmd = sleep 600\n${quick}${more}`;

describe('reading the configuration again', () => {
  const start = circusdPerTest();
  let daemon: Circusd;
  /** The first lines of the main file, which never change. */
  let head: string;

  async function begin(main: string, files: Readonly<Record<string, string>> = {}): Promise<void> {
    daemon = await start(`[circus]\ninclude = conf.d/*\n${main}`, { files });
    const text = readFileSync(join(daemon.folder.path, 'circus.ini'), 'utf8');
    head = text.slice(0, text.length - main.length);
  }

  async function pids(name: string): Promise<readonly number[]> {
    const { pids: found } = (await daemon.json('list', name)) as { readonly pids: readonly number[] };
    return found;
  }

  /** The one process of a watcher. */
  const pid = (name: string) =>
    eventually(async () => {
      const [found, ...more] = await pids(name);
      if (found === undefined || more.length > 0) throw new Error(`${name} has ${1 + more.length} processes, or none`);
      return found;
    });

  const write = (main: string) => daemon.folder.write('circus.ini', head + main);

  /** Reads the files again; resolves with what circusctl said about it. */
  async function again(): Promise<string> {
    const { stdout, stderr } = await daemon.ctl('reloadconfig', '--waiting');
    return stdout + stderr;
  }

  async function changes(): Promise<readonly string[]> {
    const plan = (await daemon.json('plan')) as { readonly changes: readonly { readonly [key: string]: unknown }[] };
    return plan.changes.map(({ kind, name, what }) => `${kind} ${name} ${what}`);
  }

  it('a section with an error keeps its old form, under whatever name it runs', async () => {
    const sound = `[socket:Web]\nhost = 127.0.0.1\nport = 0\n${sleeper('x', 'name = foo\n')}${sleeper('gone')}`;
    await begin(sound);
    const before = await pid('foo');
    write(
      '[socket:Web]\nhost = 127.0.0.1\nport = none\n[watcher:x]\ncmd = sleep 600\nname = foo\nnumprocesses = lots\n',
    );
    assert.deepEqual(await changes(), ['watcher gone removed']);
    await again();
    assert.deepEqual([await pids('foo'), await changes()], [[before], []]);
    const { sockets } = (await daemon.json('listsockets')) as { readonly sockets: readonly { name: string }[] };
    assert.deepEqual(
      sockets.map(({ name }) => name),
      ['web'],
    );
    write(sound);
    await again();
    assert.deepEqual(await pids('foo'), [before]);
  });

  it('what stands in an included file stays while that cannot be read, and goes when it is gone', async () => {
    const files = {
      'conf.d/a.ini': sleeper('a', 'flapping.attempts = 3\n'),
      'conf.d/b.json': '{"watchers":{"b":{"cmd":"sleep 600"}}}',
    };
    await begin(sleeper('main'), files);
    const before = [await pid('a'), await pid('b')];
    const fifo = join(daemon.folder.path, 'conf.d/a.ini');
    for (const [broken, json] of [
      [Buffer.from([0xff, 0xfe, 0x80]).toString('latin1'), '{"watchers":'],
      ['[watcher:a\ncmd = sleep 600\n', '{"watchers": 3}'],
    ] as const) {
      daemon.folder.write('conf.d/a.ini', broken);
      execFileSync('sh', ['-c', `printf '%s' "$1" | iconv -f utf8 -t latin1 > "$2"`, 'sh', broken, fifo]);
      daemon.folder.write('conf.d/b.json', json);
      assert.deepEqual(await changes(), []);
      await again();
      assert.deepEqual([await pid('a'), await pid('b')], before);
    }
    rmSync(fifo);
    execFileSync('mkfifo', [fifo]);
    assert.deepEqual(await changes(), []);
    rmSync(fifo);
    daemon.folder.write('conf.d/b.json', '{}');
    assert.deepEqual(await changes(), ['plugin flapping removed', 'watcher a removed', 'watcher b removed']);
  });

  it('a header without an end takes nothing away, and a broken section of all leaves all watchers as they are', async () => {
    await begin(`${sleeper('a')}[env]\nA = 1\n`, { 'conf.d/b.ini': sleeper('b') });
    const before = [await pid('a'), await pid('b')];
    for (const text of [`[watcher:a\ncmd = sleep 600\n[env]\nA = 2\n`, `${sleeper('new')}[env]\nA = 2\nno sense\n`]) {
      write(text);
      assert.deepEqual(await changes(), []);
      await again();
      assert.deepEqual([await pid('a'), await pid('b')], before);
    }
  });

  it('a plugin stays that a watcher needs which keeps its old form', async () => {
    const flapping = 'flapping.attempts = 3\n';
    await begin(sleeper('a', flapping) + sleeper('b', flapping));
    await pid('b');
    write(`[watcher:b]\ncmd = sleep 600\nnumprocesses = x\n${flapping}`);
    assert.deepEqual(await changes(), ['watcher a removed']);
  });

  it('a secret that changed reaches the processes', async () => {
    await begin(sleeper('a', 'secret.KEY = key\n'), { key: 'old' });
    const before = await pid('a');
    daemon.folder.write('key', 'new');
    await again();
    const after = await pid('a');
    assert.notEqual(after, before);
    assert.equal(environmentOf(after)['KEY'], 'new');
  });

  it('a user that is added counts at once: nothing more is started without the plugin that it takes', async () => {
    await begin(sleeper('a') + sleeper('b'));
    const before = await pid('a');
    const broken = '[plugin:limits]\nuse = limits\nnope = 1\n';
    write(sleeper('a', 'uid = nobody\n') + sleeper('b', 'numprocesses = 2\n') + broken);
    const said = await again();
    assert.match(said, /plugin "limits" is not loaded; \[watcher:a\] stays as it was/);
    assert.equal((await pids('b')).length, 2);
    assert.deepEqual(await pids('a'), [before]);
    assert.deepEqual(await changes(), ['watcher a changed'], 'what failed is still to be done');
    process.kill(before, 'SIGKILL');
    await eventually(async () => {
      const { stdout } = await daemon.ctl('status', 'a');
      assert.match(stdout, /waiting[^]*plugin "limits", which is not loaded/);
    });
    assert.deepEqual(await pids('a'), []);
    write(sleeper('a') + sleeper('b', 'numprocesses = 2\n'));
    await again();
    await pid('a');
  });

  it('a socket that cannot be bound anew stays bound as it was, and is tried again', async () => {
    const socket = (port: number) => `[socket:s]\nhost = 127.0.0.1\nport = ${port}\n`;
    await begin(socket(0));
    const taken = createServer().unref();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    write(socket(port));
    assert.match(await again(), /circus\.ini:\d+:8: socket "s".*already in use; \[socket:s\] stays as it was/);
    assert.deepEqual(await changes(), ['socket s changed']);
    assert.match((await daemon.ctl('status')).stdout, /^wrong: error: .*:\d+:8: socket "s" .*stays as it was$/m);
    await new Promise((resolve) => taken.close(resolve));
    assert.doesNotMatch(await again(), /in use/);
    assert.deepEqual(await changes(), []);
  });
});
