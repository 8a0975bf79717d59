import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { watcherSpec } from '#core';
import { judge } from '#plugins/hooks/judge.js';
import type { Flaw } from '#plugins/flaw.js';
import { assertNothingLeft, watchLeftovers } from '../../support/leftovers.js';
import { temporaryPerTest } from '../../support/temporary.js';

/** A module that notes when its import begins and ends. */
const noting = `
import os, time
def note(what):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'notes'), 'a') as notes:
        notes.write(what + '\\n')
note('begin')
time.sleep(0.1)
note('end')
def yes(**given):
    return True
`;

describe('the look at hooks', () => {
  const temporary = temporaryPerTest();
  beforeEach(() => watchLeftovers());
  afterEach(() => assertNothingLeft());

  /** What is wrong with each of several watchers, by their hooks and their folders. */
  const flawsOf = async (
    watchers: readonly (readonly [hook: string, folder?: string])[],
    patience?: number,
  ): Promise<readonly Flaw[]> => {
    const look = judge(temporary.path, patience);
    const found = watchers.map(async ([hook, folder = temporary.path], at) => {
      const options = { 'hooks.before_start': hook };
      const spec = watcherSpec({ name: `web-${at}`, cmd: 'true', working_dir: folder, options });
      return look(options, { spec, sockets: [], section: {}, watchers: [] });
    });
    return (await Promise.all(found)).flat();
  };
  const notes = () => readFileSync(join(temporary.path, 'notes'), 'utf8').trim().split('\n');

  it('takes one Python for the functions of many watchers', async () => {
    temporary.write('noting.py', noting);
    const wrong = 'noting.no';
    const watchers = Array.from({ length: 150 }, (_, at) => [at % 50 === 0 ? wrong : 'noting.yes'] as const);
    const flaws = await flawsOf(watchers);
    assert.equal(flaws.length, 3);
    for (const { message, likely } of flaws) {
      assert.match(message, /^names "noting.no", which python3 can't import: AttributeError: .* no function "no"/);
      assert.equal(likely, undefined);
    }
    assert.deepEqual(notes(), ['begin', 'end']);
  });

  it('takes two Pythons at a time where watchers have other folders', async () => {
    temporary.write('noting.py', noting);
    const watchers = ['a', 'b', 'c', 'd', 'e'].map((name) => {
      mkdirSync(join(temporary.path, name));
      return ['noting.yes', join(temporary.path, name)] as const;
    });
    assert.deepEqual(await flawsOf(watchers), []);
    const lines = notes();
    assert.equal(lines.length, 10);
    let running = 0;
    for (const line of lines) {
      running += line === 'begin' ? 1 : -1;
      assert.ok(running <= 2, lines.join());
    }
  });

  it('warns where an import does not come to an end, and of what is behind it', async () => {
    temporary.write('fine.py', 'def yes(**given):\n    return True\n');
    temporary.write('endless.py', 'import time\ntime.sleep(600)\n');
    temporary.write('fine.mjs', 'export default () => true;');
    temporary.write('endless.mjs', 'await new Promise(() => {});');
    temporary.write('busy.mjs', 'for (;;);');
    const late = 'which was not looked at: its import has taken longer than 3 s';
    const behind = 'which was not looked at: an import before it did not come to an end';
    const warning = (message: string): Flaw => ({ key: 'hooks.before_start', message, likely: true });
    const python = await flawsOf([['fine.yes'], ['endless.yes'], ['fine.no']], 3000);
    assert.deepEqual(python, [warning(`names "endless.yes", ${late}`), warning(`names "fine.no", ${behind}`)]);
    for (const module of ['./endless.mjs', './busy.mjs'])
      assert.deepEqual(await flawsOf([[module], ['./fine.mjs#nothing']], 3000), [
        warning(`names "${module}", ${late}`),
        warning(`names "./fine.mjs", ${behind}`),
      ]);
  });

  it('finds the module that ends what looks at it, and not what is behind it', async () => {
    temporary.write('ends.py', 'import os\nos._exit(3)\n');
    temporary.write('fine.py', 'def yes(**given):\n    return True\n');
    const flaws = await flawsOf([['fine.yes'], ['ends.yes'], ['fine.yes_too']]);
    assert.match(
      flaws[0]!.message,
      /^names "ends.yes", which python3 can't import: "python3" ended with code 3; hooks/,
    );
    assert.deepEqual([flaws.length, flaws[0]!.likely, flaws[1]!.likely], [2, undefined, true]);
  });

  it('is not misled by what a module prints, or does later', async () => {
    const later = "setImmediate(() => { throw new Error('later'); });";
    temporary.write('loud.mjs', `console.log('[0, null]');\n${later}\nexport default () => true;`);
    temporary.write('slow.mjs', 'await new Promise((go) => setTimeout(go, 100));\nexport default () => true;');
    assert.deepEqual(await flawsOf([['./loud.mjs'], ['./slow.mjs'], ['./loud.mjs']]), []);
  });
});
