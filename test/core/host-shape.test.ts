import assert from 'node:assert/strict';
import { Arbiter } from '../../core/arbiter.js';
import { reasonOf } from '../../core/errors.js';
import { Host } from '../../core/host.js';
import { checkPlugin, type AnyPlugin } from '../../core/plugin.js';
import { service } from '../../core/service.js';
import { FakeClock } from '../support/clock.js';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const apply = () => undefined;

describe('the shape of a plugin', () => {
  const flawsOf = (found: unknown): string => {
    try {
      checkPlugin(found, './x.js');
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'ERR_PLUGIN_INVALID');
      return reasonOf(error);
    }
    return 'none';
  };

  it('is that of definePlugin, with a validator that may be a function', () => {
    const validate = () => ({ value: 1 });
    const schema = Object.assign(() => undefined, { '~standard': { version: 1, vendor: 'test', validate } });
    const services = { it: service('one') };
    const whole = { name: 'whole', options: schema, needs: services, wants: services, provides: services, apply };
    assert.equal(checkPlugin(whole), whole);
    assert.equal(flawsOf({ name: 'x', apply, needs: undefined }), 'none');
    class Written {
      readonly name = 'written';
      apply(): void {}
    }
    assert.equal(flawsOf(new Written()), 'none');
  });

  for (const [what, found, flaw] of [
    ['nothing', undefined, 'it is not an object; "name" is not a text; "apply" is not a function'],
    ['a function', Object.assign(apply, { apply }), 'it is not an object'],
    ['one without a name', { name: '', apply }, '"name" is not a text'],
    ['one with a number for a name', { name: 7, apply }, '"name" is not a text'],
    ['one that cannot be applied', { name: 'x', apply: 'now' }, '"apply" is not a function'],
    ['options without a validator', { name: 'x', apply, options: { limit: 3 } }, '"options" is not a Standard Schema'],
    ['no options', { name: 'x', apply, options: null }, '"options" is not a Standard Schema'],
    ['a list of services', { name: 'x', apply, needs: [service('one')] }, '"needs" is not an object of services'],
    ['a bare service', { name: 'x', apply, wants: service('one') }, '"wants" is not an object of services'],
    ['names of services', { name: 'x', apply, provides: { it: 'one' } }, '"provides" is not an object of services'],
    [
      'a slip of the pen',
      { name: 'x', apply, need: {} },
      '"need" is none of name, options, needs, wants, provides, apply',
    ],
    [
      'what belongs into package.json',
      { name: 'x', apply, keys: ['team'] },
      '"keys" is none of name, options, needs, wants, provides, apply',
    ],
  ] as const) {
    it(`is not that of ${what}`, () => {
      assert.equal(flawsOf(found), `"./x.js" is not a plugin: ${flaw} (see definePlugin)`);
    });
  }

  it('is looked at before anything is applied, and keeps none of the others away', async () => {
    const host = new Host(new Arbiter({ clock: new FakeClock() }), () => quiet);
    const bad = [undefined, { name: 'typo', apply, need: {} }] as unknown as AnyPlugin[];
    const failures = await host.load([...bad, { name: 'good', apply }].map((plugin) => ({ plugin })));
    assert.deepEqual(
      failures.map(({ plugin, error }) => [plugin, (error as { code?: string }).code]),
      [
        ['undefined', 'ERR_PLUGIN_INVALID'],
        ['typo', 'ERR_PLUGIN_INVALID'],
      ],
    );
    assert.deepEqual(host.plugins, ['good']);
    await host.close();
  });
});
