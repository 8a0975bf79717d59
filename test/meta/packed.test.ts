/** What npm makes of this folder, unpacked as somebody gets it who installs it. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inRoot } from '../support/paths.js';
import { run } from '../support/run.js';
import { makeTemporary, type Temporary } from '../support/temporary.js';
import { typeCheck } from '../support/types.js';
import { linksOf } from './markdown.js';

const author = `
import { definePlugin, type OptionsSchema } from 'circusd';
import {
  Controller, defineCommand, RequestError,
  type Command, type CommandContext, type ControllerService, type Explanation,
} from 'circusd/controller';

declare const properties: OptionsSchema<{ readonly name: string }>;
const run = ({ name }: { readonly name: string }, { arbiter }: CommandContext) => {
  if (name === '') throw new RequestError(3, 'it has no name');
  return { running: arbiter.get(name).processes.length };
};
const count: Command = defineCommand({
  name: 'count', summary: 'count', role: 'view', properties, words: [], flags: [], reply: 'running', run,
});
export default definePlugin({
  name: 'count',
  needs: { controller: Controller },
  apply({ services, defer }) {
    const controller: ControllerService = services.controller;
    defer(controller.addCommand(count));
    const text: Explanation = { facts: {}, text: ['It counts.'] };
    defer(controller.addExplanation(() => text));
    // @ts-expect-error -- there is no such member
    void controller.nothing;
  },
});
`;

const wrong = `
import { definePlugin } from 'circusd';
export default definePlugin({
  name: 'wrong',
  apply({ hooks, arbiter, restored }) {
    hooks.spwaned.tap('wrong', () => undefined);
    for (const watcher of arbiter.watchers) watcher.wake();
    const before = restored as { readonly count: number } | undefined;
    void before?.count;
  },
});
`;

describe('the package as it is installed', function () {
  this.timeout(60_000);
  let folder: Temporary;
  let shipped: readonly string[];
  before('pack it, and unpack it where npm would', async () => {
    folder = makeTemporary();
    const words = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder.path];
    const packed = await run('npm', words, { cwd: inRoot(), env: { ...process.env, npm_config_loglevel: 'error' } });
    assert.equal(packed.code, 0, packed.stderr);
    mkdirSync(`${folder.path}/node_modules`);
    const [{ filename, files }] = JSON.parse(packed.stdout) as [{ filename: string; files: { path: string }[] }];
    shipped = files.map(({ path }) => path);
    const unpacked = await run('tar', ['-xzf', filename, '-C', 'node_modules'], { cwd: folder.path });
    assert.equal(unpacked.code, 0, unpacked.stderr);
    const moved = await run('mv', ['package', 'circusd'], { cwd: `${folder.path}/node_modules` });
    assert.equal(moved.code, 0, moved.stderr);
    symlinkSync(inRoot('node_modules'), `${folder.path}/node_modules/circusd/node_modules`);
  });
  after(() => folder.remove());

  it('has the types of the controller for authors of plugins', () => {
    folder.write('count.mts', author);
    assert.equal(typeCheck(folder, ['--strict', '--noEmit', 'count.mts']), '');
  });

  it('tells an author of a hook or a member that is not there, and the nearest name', () => {
    folder.write('wrong.mts', wrong);
    const said = typeCheck(folder, ['--strict', '--noEmit', 'wrong.mts']);
    assert.match(said, /'spwaned' does not exist .* Did you mean 'spawned'\?/);
    assert.equal(said.match(/error TS/g)?.length, 1, said);
  });

  it('has them at run time too', async () => {
    folder.write('look.mjs', "import * as door from 'circusd/controller';\nconsole.log(Object.keys(door).join());\n");
    const { stdout, stderr } = await run(process.execPath, ['look.mjs'], { cwd: folder.path });
    assert.deepEqual(
      [stdout, stderr],
      [
        'Configuration,Controller,RequestError,defineCommand,inWords,matching,name,nameWord,named,object,truth,waiting,waitingFlag\n',
        '',
      ],
    );
  });

  it('has no link in a document that leads to a file which is not there', () => {
    const home = `${folder.path}/node_modules/circusd`;
    const documents = shipped.filter((name) => name.endsWith('.md'));
    assert.ok(documents.includes('plugins/controller/README.md'), documents.join());
    const dead = documents.flatMap((document) => {
      const links = linksOf(readFileSync(`${home}/${document}`, 'utf8'));
      const files = links
        .filter((link) => !/^([a-z][a-z0-9+.-]*:|\/\/|#)/i.test(link))
        .map((link) => link.split('#')[0]!);
      return files
        .filter((file) => !existsSync(join(home, dirname(document), decodeURIComponent(file))))
        .map((file) => `${document}: ${file}`);
    });
    assert.equal(dead.join('\n'), '');
  });
});
