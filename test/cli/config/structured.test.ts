import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfiguration } from '../../../cli/config/build.js';
import { readJson } from '../../../cli/config/json.js';
import { formatProblem } from '../../../cli/config/problem.js';
import { readConfigurationText } from '../../../cli/config/read.js';
import { asRead, mergeFiles } from '../../../cli/config/sections.js';
import { yamlIsThere } from './yaml-package.js';

const read = (text: string, file = 'a.json') => {
  const ini = readConfigurationText(text, file);
  const problems = ini.problems.map((problem) => `${problem.severity} ${formatProblem(problem)}`);
  return { sections: asRead(mergeFiles(file, [ini])).sections, problems, ini };
};
const errors = (text: string, file?: string): readonly string[] => read(text, file).problems;

describe('a configuration in JSON', () => {
  it('has the sections and options that INI has', () => {
    const text = JSON.stringify({
      circus: { check_delay: 2.5, httpd: true, include: ['a.ini', 'b.ini'], endpoint: null },
      env: { A: 1, 'web,w*': { B: 'b' } },
      defaults: { copy_env: true },
      'defaults:w*': { priority: 1 },
      watchers: {
        web: {
          cmd: ['node', 'a b.js', '$(circus.wid)'],
          sockets: ['x', 'y'],
          env: { C: 'c ; d' },
          stdout_stream: { class: 'FileStream', filename: 'x' },
        },
      },
      sockets: { x: { port: 80 } },
      plugins: { p: { use: 'flapping' } },
      'tunnel:db': { to: 'x' },
    });
    assert.deepEqual(read(text), {
      ...read(text),
      problems: [],
      sections: {
        circus: { check_delay: '2.5', httpd: 'true', include: 'a.ini b.ini' },
        env: { A: '1' },
        'env:web,w*': { B: 'b' },
        defaults: { copy_env: 'true' },
        'defaults:w*': { priority: '1' },
        'watcher:web': {
          cmd: "node 'a b.js' '$(circus.wid)'",
          sockets: 'x, y',
          'env.C': 'c ; d',
          'stdout_stream.class': 'FileStream',
          'stdout_stream.filename': 'x',
        },
        'socket:x': { port: '80' },
        'plugin:p': { use: 'flapping' },
        'tunnel:db': { to: 'x' },
      },
    });
  });

  it('knows where each key and each value stands', () => {
    const { ini } = read('{\r\n  "watchers": {\n    "w": {"cmd": "x",\n  "args":\n   "y"}}}');
    assert.deepEqual(ini.sections[0], {
      name: 'watcher:w',
      file: 'a.json',
      line: 3,
      options: [
        { key: 'cmd', value: 'x', file: 'a.json', line: 3, column: 18, at: { line: 3, column: 11 } },
        { key: 'args', value: 'y', file: 'a.json', line: 5, column: 4, at: { line: 4, column: 3 } },
      ],
    });
  });

  it('reads numbers as they are written, and all escapes', () => {
    const { sections } = read('{"circus": {"a": 1e3, "b": -0.50, "c": "\\u00e4\\n\\"", "d": 12345678901234567890}}');
    assert.deepEqual(sections.circus, { a: '1e3', b: '-0.50', c: 'ä\n"', d: '12345678901234567890' });
  });

  it('is not used at all when it cannot be read', () => {
    const cases: Record<string, string> = {
      '': '1:1: a value should stand here, and the file ends',
      '{"a": }': '1:7: a value should stand here, and there is "}"',
      '{"a": 1,}': '1:9: a key in double quotes should stand here, and there is "}"',
      "{'a': 1}": `1:2: a key in double quotes should stand here, and there is "'"`,
      '{"a" 1}': '1:6: ":" should stand here, and there is "1"',
      '{"a": [1 2]}': '1:10: "," or "]" should stand here, and there is "2"',
      '{"a": 01}': '1:7: a value should stand here, and there is "0"',
      '{"a": "x}': '1:7: this text has no closing quote',
      '{"a": "x\ny"}': '1:7: this text has a line end, or a backslash that means nothing, in it',
      '{"a": "\\x"}': '1:7: this text has a line end, or a backslash that means nothing, in it',
      '{}\n{}': '2:1: the end of the file should stand here, and there is "{"',
      '{"a": NaN}': '1:7: a value should stand here, and there is "N"',
    };
    for (const [text, message] of Object.entries(cases)) {
      assert.deepEqual(errors(text), [`error a.json:${message}, so nothing of this file is used`]);
    }
    const [deep] = errors('['.repeat(100_000));
    assert.equal(deep, 'error a.json:1:34: this is nested more than 32 times, so nothing of this file is used');
  });

  it('agrees with JSON.parse on what can be read', () => {
    for (const text of [
      '{}',
      '[1,2]',
      ' "x" ',
      '{"a":{"b":[true,null]}}',
      '[',
      '{"a":1}}',
      'tru',
      '1.',
      '-',
      '\ufeff1',
    ]) {
      const isJson = ((): boolean => {
        try {
          return JSON.parse(text.replace(/^\ufeff/, '')) !== undefined;
        } catch {
          return false;
        }
      })();
      assert.equal(readJson(text, 'a').problems.length === 0, isJson, text);
    }
  });

  it('tells what has no meaning, and uses the rest', () => {
    const text =
      '{"watchers": {"w": 1, "v": {"cmd": "x", "args": [[1]], "": 2, "a": 1, "a": 2}}, "sockets": [], "x": null, "y": 3}';
    assert.deepEqual(errors(text), [
      'error a.json:1:20: "watcher:w" must hold options, and is a single value',
      'error a.json:1:49: "args" must be a list of single values',
      'error a.json:1:56: an option must have a name',
      'warning a.json:1:71: "a" is already set in line 1 of this file, which counts, so this one is ignored',
      'error a.json:1:92: "sockets" must hold names, and is a single value',
      'error a.json:1:112: "y" must hold options, and is a single value',
    ]);
    assert.deepEqual(read(text).sections['watcher:v'], { cmd: 'x', a: '1' });
    assert.deepEqual(errors('[]'), ['error a.json:1:1: this file holds no sections, such as "watchers"']);
  });

  it('makes problems that stand at keys and values', () => {
    const folder = mkdtempSync(join(tmpdir(), 'circusd-json-'));
    try {
      const file = join(folder, 'a.json');
      writeFileSync(file, '{"watchers": {"w": {"cmd": "x",\n "numproceses":\n 2, "priority": "high"}}}');
      const problems = readConfiguration(file, {}).problems.map((problem) =>
        formatProblem(problem).replace(`${folder}/`, ''),
      );
      assert.deepEqual(
        problems.map((problem) => problem.split(' ', 2).join(' ')),
        ['a.json:2:2: "numproceses"', 'a.json:3:17: "priority"'],
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('includes INI files, and is included by them', () => {
    const folder = mkdtempSync(join(tmpdir(), 'circusd-json-'));
    try {
      writeFileSync(join(folder, 'a.json'), '{"circus": {"include": "b.ini"}, "watchers": {"w": {"cmd": "json"}}}');
      writeFileSync(join(folder, 'b.ini'), '[circus]\ninclude = a.json\n[watcher:w]\ncmd = ini\nargs = x');
      const specs = (file: string) => {
        const [watcher] = readConfiguration(join(folder, file), {}).watchers;
        return [watcher?.spec.cmd, watcher?.spec.args];
      };
      assert.deepEqual(
        [specs('a.json'), specs('b.ini')],
        [
          ['json', 'x'],
          ['ini', 'x'],
        ],
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('a configuration in YAML', () => {
  before(function () {
    if (!yamlIsThere) this.skip();
  });

  it('has the sections and options that INI has, values as they are written', () => {
    const text = `
circus: { check_delay: 5, umask: 022 }
base: &base
  copy_env: true
watchers:
  web:
    <<: *base
    cmd: [node, a b.js]
    virtualenv_py_ver: 3.10
    stop: ~
    args: >
      one
      two
    stdout_stream:
      class: FileStream # note
`;
    const { sections, problems, ini } = read(text, 'a.yml');
    assert.deepEqual(problems, []);
    assert.deepEqual(sections, {
      circus: { check_delay: '5', umask: '022' },
      base: { copy_env: 'true' },
      'watcher:web': {
        cmd: "node 'a b.js'",
        virtualenv_py_ver: '3.10',
        args: 'one two\n',
        'stdout_stream.class': 'FileStream',
        copy_env: 'true',
      },
    });
    assert.deepEqual(ini.sections[2]?.options[0], {
      key: 'cmd',
      value: "node 'a b.js'",
      file: 'a.yml',
      line: 8,
      column: 10,
      at: { line: 8, column: 5 },
    });
  });

  it('is not used at all when it cannot be read', () => {
    const [first] = errors('a: 1\n b: 2\nc: [1,\n', 'a.yaml');
    assert.match(first!, /^error a\.yaml:\d+:\d+: .*, so nothing of this file is used$/);
    assert.match(errors('a: *b', 'a.yaml')[0]!, /^error a\.yaml:1:4: .*, so nothing of this file is used$/);
    assert.match(errors('? [a]\n: 1', 'a.yaml')[0]!, /^error a\.yaml:1:\d: a key must be a single text, so/);
  });

  it('may be nested too deeply', () => {
    for (const text of ['['.repeat(100_000), `a: ${'{b: '.repeat(50)}1${'}'.repeat(50)}`]) {
      assert.match(errors(text, 'a.yaml')[0]!, /^error a\.yaml:1:\d+: .*, so nothing of this file is used$/);
    }
  });

  it('does not grow without end by what it repeats', () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (let at = 1; at < 9; at++) {
      const [name, last] = ['abcdefghi'[at]!, 'abcdefghi'[at - 1]!];
      lines.push(`${name}: &${name} [${Array(10).fill(`*${last}`).join(', ')}]`);
    }
    assert.match(errors(lines.join('\n'), 'a.yaml')[0]!, /this file has more than 200000 values, so nothing/);
    assert.match(errors('a: &a\n  b: *a', 'a.yaml')[0]!, /^error a\.yaml:\d+:\d+: /);
  });
});

describe('a configuration in YAML without the package for it', () => {
  it('says what to install', function () {
    if (yamlIsThere) this.skip();
    assert.deepEqual(errors('a: 1', 'a.yaml'), [
      'error a.yaml:1:1: reading YAML takes the npm package "yaml": install it with "npm install yaml", so nothing of this file is used',
    ]);
  });
});
