import assert from 'node:assert/strict';
import { orderPlugins } from '../../core/host.js';
import type { AnyPlugin } from '../../core/plugin.js';
import { service } from '../../core/service.js';

const one = service<{ readonly number: number }>('one');
const two = service<{ readonly number: number }>('two');

describe('the order of plugins', () => {
  const named = (name: string, fields: Partial<AnyPlugin> = {}): AnyPlugin => ({
    name,
    apply: () => undefined,
    ...fields,
  });
  const names = (plugins: readonly AnyPlugin[]) => orderPlugins(plugins).map(({ name }) => name);

  it('puts providers before those that need or want them, and changes nothing else', () => {
    const list = [
      named('a', { needs: { x: one } }),
      named('b', { wants: { x: two } }),
      named('c', { provides: { x: one }, needs: { y: two } }),
      named('d', { provides: { x: two } }),
      named('e', { wants: { x: service('nobody') } }),
    ];
    assert.deepEqual(names(list), ['d', 'c', 'a', 'b', 'e']);
  });

  it('refuses what is missing, doubled or goes in a circle, by name', () => {
    assert.throws(() => names([named('a', { needs: { x: one } })]), {
      code: 'ERR_PLUGIN_MISSING',
      message: 'plugin "a" needs service "one", which no loaded plugin provides',
    });
    assert.throws(() => names([named('a', { provides: { x: one } }), named('b', { provides: { x: one } })]), {
      code: 'ERR_PLUGIN_DOUBLED',
      message: 'plugins "a" and "b" both provide service "one"',
    });
    const circle = [
      named('a', { needs: { x: one }, provides: { y: two } }),
      named('b', { needs: { y: two }, provides: { x: one } }),
    ];
    assert.throws(() => names(circle), { code: 'ERR_PLUGIN_CYCLE', message: /in a circle: a -> b -> a$/ });
  });
});
