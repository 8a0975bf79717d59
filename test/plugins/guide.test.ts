import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { OptionsSchema } from '#core';
import { fencesOf } from '../meta/markdown.js';
import { runCircusd, type Circusd } from '../support/circusd.js';
import { eventually } from '../support/eventually.js';
import { inRoot, root } from '../support/paths.js';
import { run } from '../support/run.js';
import { makeTemporary, type Temporary } from '../support/temporary.js';
import { typeCheck } from '../support/types.js';
import { closeClients, connect } from './client.js';
import { daemonPerTest } from './daemon.js';

/** The files that the guide has written so far, by name, each time it comes to a configuration. */
function stages(): readonly ReadonlyMap<string, string>[] {
  const files = new Map<string, string>();
  const all: ReadonlyMap<string, string>[] = [];
  for (const { info, text } of fencesOf(readFileSync(inRoot('docs', 'guides', 'write-a-plugin.md'), 'utf8'))) {
    const [language, name] = info.split(' ');
    if (name === undefined) {
      assert.equal(language, 'sh', `a block that nobody runs: ${text}`);
      continue;
    }
    files.set(name, text);
    if (name === 'circus.ini') all.push(new Map(files));
  }
  all.push(files);
  return all;
}

/** Writes the files, with what the guide has had npm install. */
const write =
  (files: ReadonlyMap<string, string>) =>
  (folder: Temporary): void => {
    for (const [name, text] of files) if (name !== 'circus.ini') folder.write(name, text);
    const modules = join(folder.path, 'node_modules');
    mkdirSync(modules);
    symlinkSync(root, join(modules, 'circusd'));
    symlinkSync(inRoot('node_modules', 'valibot'), join(modules, 'valibot'));
    symlinkSync(join(folder.path, 'tally'), join(modules, 'circusd-plugin-tally'));
  };

describe('the guide to plugins', () => {
  const start = daemonPerTest();
  closeClients();
  const [first, second, third, last] = stages();
  const begin = (files: ReadonlyMap<string, string> | undefined) =>
    start(files!.get('circus.ini')!, { prepare: write(files!) });
  const shows = ({ log }: Circusd, text: string | RegExp) =>
    assert.ok(typeof text === 'string' ? log.includes(text) : text.test(log), log);
  const readJson = (daemon: Circusd, name: string) =>
    JSON.parse(readFileSync(join(daemon.folder.path, name), 'utf8')) as Record<string, unknown>;

  it('has three configurations, and no block that is not run', () => {
    assert.equal(stages().length, 4);
  });

  it('begins with a plugin that counts', async () => {
    const daemon = await begin(first);
    await eventually(() => shows(daemon, 'web: start 1, pid '));
    for (const { pid } of daemon.descendants()) process.kill(pid, 'SIGKILL');
    await eventually(() => shows(daemon, 'web: start 2, pid '));
  });

  it('taps one hook of each kind', async () => {
    const daemon = await begin(second);
    const client = connect(daemon);
    await eventually(() => shows(daemon, 'this is start 1'));
    await eventually(async () => {
      const { statuses } = await client.ask('status');
      assert.deepEqual(statuses, { web: 'active', 'old-web': 'stopped', brief: 'stopped' });
    });
    const done = daemon.exited.then(() => readJson(daemon, 'tally.json'));
    daemon.signal('SIGTERM');
    const { starts, ends } = await done;
    await daemon.stop();
    assert.deepEqual(starts, { web: 1, brief: 3 });
    const ended = ends as readonly Record<string, unknown>[];
    assert.deepEqual(
      ended.filter(({ watcher }) => watcher === 'web').map(({ signal, reason }) => [signal, reason]),
      [[15, 'stopped']],
    );
  });

  it('validates options, with a library or by hand, to the same effect', async () => {
    const folder = makeTemporary();
    write(last!)(folder);
    const load = async (name: string) => {
      const module = (await import(pathToFileURL(join(folder.path, 'tally', name)).href)) as { options: OptionsSchema };
      return module.options['~standard'];
    };
    try {
      const [library, hand] = [await load('options.js'), await load('options-by-hand.js')];
      for (const given of [{}, { limit: '5' }, { file: 'x' }])
        assert.deepEqual(await library.validate(given), { typed: true, ...(await hand.validate(given)) });
      for (const given of [{ limit: '0' }, { limit: 'x' }, { other: '1' }]) {
        const keys = async (schema: OptionsSchema['~standard']) =>
          (await schema.validate(given)).issues?.map(({ path }) =>
            path?.map((part) => String(typeof part === 'object' ? part.key : part)),
          );
        assert.deepEqual(await keys(library), await keys(hand));
      }
    } finally {
      folder.remove();
    }
  });

  it('ends with a package that has options, a service, a command and a friend', async () => {
    const daemon = await begin(third);
    const client = connect(daemon);
    await eventually(() => shows(daemon, 'web of team red: start 1'));
    await eventually(() => shows(daemon, 'well done, web'));
    await eventually(async () => assert.equal((await client.ask('status', { name: 'brief' }))['status'], 'stopped'));
    assert.equal((await client.ask('tally', { name: 'WEB' }))['starts'], 1);
    assert.equal((await client.ask('tally', { name: 'brief' }))['starts'], 2);
    assert.equal((await client.ask('tally'))['reason'], "message invalid 'name' is missing");
    const done = daemon.exited.then(() => readJson(daemon, 'starts.json'));
    await client.ask('quit');
    assert.deepEqual(await done, { web: 1, brief: 2 });
    await daemon.stop();
  });

  it('reads what programs write, when it asked for a pipe', async () => {
    const ini = "[plugin:listen]\nuse = ./listen.mjs\n[watcher:web]\ncmd = sh -c 'echo hello; exec sleep 600'\n";
    const daemon = await start(ini, { prepare: write(last!) });
    await eventually(() => shows(daemon, 'web wrote 6 bytes on 1'));
  });

  it('adds to an explanation', async () => {
    const ini = '[plugin:because]\nuse = ./because.mjs\n[watcher:web]\ncmd = sleep 600\nowner = ann\n';
    const daemon = await start(ini, { prepare: write(last!) });
    await eventually(async () => {
      const { owner, text } = (await daemon.json('explain', 'web')) as Readonly<Record<string, unknown>>;
      assert.equal(owner, 'ann');
      assert.match(String(text), /\(place 1\) has been .* It is the first\.\n[^]*Ask ann about it\.$/);
    });
  });

  it('has a plugin that runs in a process of its own', async () => {
    const daemon = await start(last!.get('apart.ini')!, { prepare: write(last!) });
    await eventually(async () =>
      assert.match((await daemon.ctl('status')).stdout, /plugin:shout: active[^]*web: active/),
    );
    await eventually(() => shows(daemon, /"plugin":"plugin:shout","msg":"Starting"/));
    const { pids } = (await daemon.json('list', 'web')) as { readonly pids: readonly [number] };
    process.kill(pids[0], 'SIGKILL');
    await eventually(() => shows(daemon, 'oh no: web ended with -9, there are 1'));
  });

  it('has examples whose types are right as they stand', () => {
    const words = ['--allowJs', '--checkJs', '--noEmit', '--strict', '--noImplicitAny', 'false', '--skipLibCheck'];
    for (const files of stages()) {
      const folder = makeTemporary();
      try {
        write(files)(folder);
        const sources = [...files.keys()].filter((name) => /\.m?[jt]s$/.test(name));
        assert.equal(typeCheck(folder, [...words, ...sources]), '');
      } finally {
        folder.remove();
      }
    }
  });

  it('has a plugin in TypeScript that needs nothing of circusd at run time', async () => {
    const prepare = (folder: Temporary) => {
      write(last!)(folder);
      assert.equal(typeCheck(folder, ['--strict', 'plain.mts']), '');
      rmSync(join(folder.path, 'node_modules', 'circusd'));
    };
    const daemon = await start('[plugin:plain]\nuse = ./plain.mjs\n[watcher:web]\ncmd = sleep 600\n', { prepare });
    await eventually(() => shows(daemon, /web: pid \d+/));
  });

  it('has nobody warn of its keys, and tells a wrong option at its line', async () => {
    const folder = makeTemporary();
    write(last!)(folder);
    const check = (ini: string) => runCircusd(['--check', folder.write('circus.ini', ini)]);
    try {
      const ini = last!.get('circus.ini')!;
      const { code, stderr } = await check(ini);
      assert.deepEqual([code, stderr], [0, '']);
      const wrong = await check(ini.replace('file = starts.json', 'limit = none'));
      assert.equal(wrong.code, 1);
      assert.match(wrong.stderr, /circus.ini:6:\d+: .*"limit".*it is a whole number from 1/);
    } finally {
      folder.remove();
    }
  });

  it('has tests that pass', async () => {
    const folder = makeTemporary();
    write(last!)(folder);
    try {
      const { code, stdout, stderr } = await run(process.execPath, ['--test'], { cwd: folder.path });
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout, /pass 2/);
    } finally {
      folder.remove();
    }
  });
});
