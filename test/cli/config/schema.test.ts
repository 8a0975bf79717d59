import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { socketSpec, watcherSpec } from '#core';
import { convert, converters, type OptionType } from '../../../cli/config/convert.js';
import { nearestKey, optionOf, ownerOf, schema, type Option } from '../../../cli/config/schema.js';

describe('config schema', () => {
  const all = Object.values(schema).flat();

  it('describes each option once, in one sentence, with a type that has a converter', () => {
    for (const options of Object.values(schema)) {
      assert.equal(new Set(options.map(({ key }) => key)).size, options.length);
    }
    for (const { key, about, type } of all) {
      assert.match(about, /^[A-Z].*\.$/, key);
      assert.ok(type in converters, key);
    }
  });

  it('has defaults that convert to those of the kernel', () => {
    const values = (options: readonly Option[]): [string, unknown][] =>
      options.flatMap(({ key, type, default: text }) => {
        const converted = text === null ? undefined : convert(type, text);
        if (converted && 'wrong' in converted) assert.fail(key);
        return converted ? [[key, converted.value]] : [];
      });
    const watcher: Record<string, unknown> = { ...watcherSpec({ name: 'w', cmd: '' }), args: '' };
    for (const [key, value] of values(schema.watcher)) if (key in watcher) assert.deepEqual(value, watcher[key], key);
    const socket: Record<string, unknown> = { ...socketSpec({ name: 's' }) };
    for (const [key, value] of values(schema.socket)) assert.deepEqual(value, socket[key], key);
  });

  it('has every field of a socket, and of a watcher all that a file can say', () => {
    const missing = (spec: object, options: readonly Option[]): string[] =>
      Object.keys(spec).filter((key) => !options.some((option) => option.key === key));
    assert.deepEqual(missing(socketSpec({ name: 's' }), schema.socket), ['name']);
    const watcher = missing(watcherSpec({ name: 'w', cmd: '' }), schema.watcher);
    assert.deepEqual(
      watcher.filter((key) => key !== 'needs' && key !== 'secrets'),
      ['options'],
    );
  });

  it('knows the owner of a key', () => {
    assert.equal(ownerOf('watcher', 'uid'), 'limits');
    assert.equal(ownerOf('watcher', 'rlimit_nofile'), 'limits');
    assert.equal(ownerOf('watcher', 'stdout_stream.class'), 'streams');
    assert.equal(ownerOf('watcher', 'flapping.max_retry'), 'flapping');
    assert.equal(ownerOf('watcher', 'cmd'), undefined);
    assert.equal(ownerOf('watcher', 'flapping.'), undefined);
    assert.equal(ownerOf('watcher', 'constructor'), undefined);
    assert.equal(ownerOf('circus', 'httpd'), 'httpd');
    assert.equal(ownerOf('circus', 'endpoint'), 'controller');
    assert.equal(ownerOf('plugin', 'anything'), undefined);
  });

  it('finds the key that was meant, also through a prefix and among those of other plugins', () => {
    assert.equal(nearestKey('watcher', 'numproceses'), 'numprocesses');
    assert.equal(nearestKey('watcher', 'stdout_steam.class'), 'stdout_stream.class');
    assert.equal(nearestKey('watcher', 'rlimits_nofile'), 'rlimit_nofile');
    assert.equal(nearestKey('watcher', 'tunel', ['tunnel']), 'tunnel');
    assert.equal(nearestKey('watcher', 'zzzzzz'), undefined);
  });

  it('gives an exact key before a prefix', () => {
    assert.equal(optionOf('plugin', 'use')?.key, 'use');
    assert.equal(optionOf('plugin', 'other')?.key, '*');
  });
});

describe('config conversion', () => {
  const good = (type: OptionType, cases: Record<string, unknown>): void => {
    for (const [text, value] of Object.entries(cases)) {
      const converted = convert(type, text);
      assert.deepEqual('wrong' in converted ? converted : converted.value, value, `${type} ${text}`);
    }
  };
  const bad = (type: OptionType, texts: readonly string[]): void => {
    for (const text of texts) assert.ok('wrong' in convert(type, text), `${type} ${text}`);
  };

  it('reads whole numbers as Python does', () => {
    good('int', { '5': 5, ' -1 ': -1, '+3': 3, '1_000': 1000, '007': 7 });
    bad('int', ['', '1.0', '0x10', '1e3', '5s', '1__0', '99999999999999999999']);
    bad('count', ['-1']);
    good('retries', { '-1': -1 });
    bad('retries', ['-2']);
    bad('port', ['65536', '-1']);
  });

  it('reads numbers', () => {
    good('period', { '1': 1, '.5': 0.5, '5.': 5, '1e3': 1000, '-2.5': -2.5 });
    bad('period', ['', 'inf', 'nan', '1,5', '1e999']);
    bad('seconds', ['-1']);
  });

  it('reads times and sizes with units', () => {
    good('seconds', { '1h30m': 5400, '500ms': 0.5, '2d': 172_800, ' 1.5 h ': 5400, '1W': 604_800, '3 min 1sec': 181 });
    bad('seconds', ['1y', 'h', '1h30', '-1s', '1.2.3s', 'constructor', '1constructor', `${'9'.repeat(20)}d`]);
    good('period', { '-1': -1, '100ms': 0.1 });
    good('age', { '60': 60, '2h': 7200 });
    bad('age', ['1.5', '500ms', '-1']);
    good('size', {
      '10': 10,
      '512M': 536_870_912,
      '1.5G': 1_610_612_736,
      '64Ki': 65_536,
      '2 kb': 2048,
      '7b': 7,
      '1TiB': 2 ** 40,
    });
    bad('size', ['M', '1X', '-1M', '1.5', '9e9P', `${'9'.repeat(20)}P`]);
    good('limit', { '64K': 65_536 });
    good('cpulimit', { '': null, '5m': 300 });
    bad('cpulimit', ['5M5']);
  });

  it('has a plain text for what is written with units', () => {
    assert.deepEqual(convert('seconds', '1h30m'), { value: 5400, text: '5400' });
    assert.deepEqual(convert('seconds', '90'), { value: 90 });
  });

  it('reads truth in the eight words of Python', () => {
    good('bool', { Yes: true, TRUE: true, on: true, '1': true, no: false, ' False ': false, off: false, '0': false });
    bad('bool', ['', 'y', '2', 'enabled']);
  });

  it('reads signals by name, number and offset', () => {
    good('signal', { '15': 15, TERM: 15, sigquit: 3, SIGRTMIN: 34, 'SIGRTMIN+1': 35, 'RTMAX-1': 63, 'INT # why': 2 });
    bad('signal', ['', 'SIGNOPE', '0', '65', '-9', 'RTMIN+99']);
  });

  it('reads file masks in octal', () => {
    good('octal', { '022': 18, '0o22': 18, '2': 2, '0777': 511 });
    bad('octal', ['', '8', '1000', 'rw']);
  });

  it('reads numbers of processes that follow the machine', () => {
    good('processes', { '0': 0, '4': 4, cpus: availableParallelism(), 'cpus-999': 1 });
    bad('processes', ['', '-1', 'cpus*2', 'many']);
  });

  it('reads limits, lists, names and families', () => {
    good('limit', { '': null, '1024': 1024, '-1': null, unlimited: null, '1K:2K': '1024:2048', '5:': '5:unlimited' });
    bad('limit', ['lots', '-2', '1:lots']);
    good('cpulimit', { '1m:': '60:unlimited', '30': 30 });
    good('list', { 'a, b  c': ['a', 'b', 'c'], '': [] });
    good('sockets', { 'Web,admin': ['web', 'admin'] });
    good('family', { af_unix: 'AF_UNIX' });
    good('sockettype', { sock_dgram: 'SOCK_DGRAM' });
    bad('family', ['inet', '']);
    good('hook', { 'a.b': 'a.b', 'a.b, true': 'a.b, true' });
    bad('hook', ['a.b, perhaps']);
  });
});
