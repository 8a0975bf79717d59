import assert from 'node:assert/strict';
import type { WatcherSpec } from '#core';
import { buildConfiguration } from '../../../cli/config/build.js';
import { readIni } from '../../../cli/config/ini.js';
import { formatProblem } from '../../../cli/config/problem.js';
import {
  circusPlugins,
  meantPlugins,
  movedKeys,
  pluginNamed,
  switches,
  unbuiltPlugins,
} from '../../../cli/config/rewrite.js';
import { optionOf } from '../../../cli/config/schema.js';
import { mergeFiles } from '../../../cli/config/sections.js';

const build = (text: string) => buildConfiguration(mergeFiles('a.ini', [readIni(text, 'a.ini')]), {});
const knownOf = (names: readonly string[]) => ({
  has: (name: string) => names.includes(name),
  unwritten: (name: string) => (name === 'flapping' ? { only_asked: 'True' } : {}),
  loadedBy: ({ options }: WatcherSpec) =>
    Object.keys(options).some((key) => key.startsWith('flapping.')) ? ['flapping'] : [],
});
const meant = (text: string, names: readonly string[] = ['controller', 'flapping', 'httpd', 'stats']) =>
  meantPlugins(build(text), knownOf(names)).map(({ name, use, options }) => [name, use, options]);

describe('the plugins that a configuration means', () => {
  it('have the switches of [circus] for options', () => {
    const text = '[circus]\nhttpd = 1\nhttpd_host = h\nhttpd_port = 81\ncheck_delay = 1m\nendpoint_owner = me';
    assert.deepEqual(meant(text), [
      ['controller', 'controller', { endpoint_owner: 'me', check_delay: '60' }],
      ['httpd', 'httpd', { host: 'h', port: '81' }],
    ]);
  });

  it('are those that a switch turns on, and statistics also by their address', () => {
    assert.deepEqual(meant('[circus]\nhttpd = 0\nhttpd_port = 81\nstatsd = no'), [['controller', 'controller', {}]]);
    assert.deepEqual(meant('[circus]\nstatsd = yes').at(-1), ['stats', 'stats', {}]);
    assert.deepEqual(meant('[circus]\nstats_endpoint = x'), [
      ['controller', 'controller', { stats_endpoint: 'x' }],
      ['stats', 'stats', { endpoint: 'x' }],
    ]);
  });

  it('are the controller and persist, unless they are switched off', () => {
    assert.deepEqual(meant('', ['controller', 'persist']), [
      ['controller', 'controller', {}],
      ['persist', 'persist', {}],
    ]);
    assert.deepEqual(meant('[circus]\nendpoint =\npersist = no', ['controller', 'persist']), []);
    // Also where a watcher has a key of it.
    const grouped = build('[circus]\nendpoint =\n[watcher:w]\ncmd = x\ngroup = api');
    assert.deepEqual(
      meantPlugins(grouped, { has: () => true, loadedBy: () => ['controller'], unwritten: () => ({}) }).map(
        ({ name }) => name,
      ),
      ['intent', 'persist'],
    );
  });

  it('are those of keys of watchers, once', () => {
    const text = '[watcher:a]\ncmd = x\nflapping.window = 1\n[watcher:b]\ncmd = x\nflapping.window = 2';
    assert.deepEqual(meant(text).slice(1), [['flapping', 'flapping', { only_asked: 'True' }]]);
  });

  it('are as their own sections say, over the switches', () => {
    const text = '[circus]\nhttpd = 1\nhttpd_port = 81\nhttpd_host = h\n[plugin:web]\nuse = httpd\nport = 82';
    assert.deepEqual(meant(text).slice(1), [['web', 'httpd', { host: 'h', port: '82' }]]);
  });

  it('have the places of what is written, also of switches', () => {
    const [controller] = meantPlugins(build('[circus]\n\nendpoint = x'), knownOf(['controller']));
    assert.deepEqual(controller?.places, { endpoint: { file: 'a.ini', line: 3, column: 12 } });
  });

  it('are known by the names of the classes of Circus', () => {
    assert.deepEqual(meant('[plugin:f]\nuse = circus.plugins.flapping:Flapping\nactive = 0').at(-1), [
      'f',
      'flapping',
      { active: '0' },
    ]);
    assert.equal(pluginNamed('circus.plugins.watchdog.WatchDog'), 'watchdog');
    assert.equal(pluginNamed('my.package'), 'my.package');
    assert.equal(pluginNamed('constructor'), 'constructor');
    assert.equal(new Set(Object.values(circusPlugins)).size, 8);
  });

  it('are warned of where this version does not have them yet', () => {
    const configuration = build('[plugin:s]\nuse = circus.plugins.statsd.FullStats\n[plugin:x]\nuse = x');
    const known = knownOf(['controller']);
    assert.deepEqual(unbuiltPlugins(configuration, known).map(formatProblem), [
      'a.ini:2:7: this version has no plugin "full-stats" yet, which "circus.plugins.statsd.FullStats" is in Circus; [plugin:s] is left out',
    ]);
    assert.deepEqual(
      meantPlugins(configuration, known).map(({ use }) => use),
      ['controller', 'x'],
    );
  });

  it('take their keys out of [circus] where they are there', () => {
    const plugins = meantPlugins(build('[circus]\nhttpd = 1'), knownOf(['httpd']));
    assert.deepEqual(movedKeys(plugins), ['httpd', 'httpd_host', 'httpd_port']);
  });

  it('have switches that [circus] knows', () => {
    for (const { key } of switches) assert.ok(optionOf('circus', key), key);
  });
});
