import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readConfiguration } from '../../../cli/config/build.js';
import { formatProblem, strictly } from '../../../cli/config/problem.js';

describe('bad input', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'circusd-bad-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (name: string, content: string | Buffer): string => {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  };
  /** The sound watchers, and all problems as a strict reader sees them. */
  const read = (path: string) => {
    const { watchers, problems } = readConfiguration(path, {});
    const told = strictly(problems).map((problem) => `${problem.severity} ${formatProblem(problem)}`);
    return {
      watchers: watchers.map(({ spec }) => spec.name),
      problems: told.map((one) => one.replaceAll(`${folder}/`, '')),
    };
  };
  const good = '[watcher:good]\ncmd = x\n';

  it('may be two included files that describe the same watcher', () => {
    const main = write('main.ini', `[circus]\ninclude = *.conf\n${good}`);
    write('a.conf', '[watcher:w]\ncmd = a');
    write('b.conf', '[watcher:w]\ncmd = b');
    assert.deepEqual(read(main), {
      watchers: ['good', 'w'],
      problems: [
        'error b.conf:2:1: [watcher:w] is written in two included files: "cmd" of a.conf:2 counts, so this one is ignored',
      ],
    });
  });

  it('may be files that include one another', () => {
    const main = write('main.ini', `[circus]\ninclude = a.ini\n${good}`);
    write('a.ini', '[circus]\ninclude = main.ini\n[watcher:a]\ncmd = a');
    assert.deepEqual(read(main), {
      watchers: ['a', 'good'],
      problems: ['warning a.ini:2:11: "include" in an included file is not followed: name the files in the main file'],
    });
    assert.deepEqual(read(write('self.ini', `[circus]\ninclude = self.ini\n${good}`)), {
      watchers: ['good'],
      problems: ['error self.ini:2:11: "self.ini" is the file that includes it'],
    });
  });

  it('may be a file that this user may not read', function () {
    if (process.getuid?.() === 0) this.skip();
    const main = write('main.ini', `[circus]\ninclude = a.ini\n${good}`);
    chmodSync(write('a.ini', ''), 0);
    assert.deepEqual(read(main), {
      watchers: ['good'],
      problems: ['error main.ini:2:11: the included file "a.ini" may not be read by this user'],
    });
  });

  it('may be a directory in place of a file, included or not', () => {
    mkdirSync(join(folder, 'd'));
    const main = write('main.ini', `[circus]\ninclude = d\n${good}`);
    assert.deepEqual(read(main), {
      watchers: ['good'],
      problems: ['error main.ini:2:11: the included file "d" is a directory, not a file'],
    });
    assert.deepEqual(read(join(folder, 'd')).problems, [
      'error d:1:1: the configuration file "d" is a directory, not a file',
    ]);
  });

  it('may be a line of ten megabytes', () => {
    const long = 'x'.repeat(10_000_000);
    const main = write('main.ini', `[watcher:w]\nargs = ${long}\ncmd = x\n${good}[watcher:v]\ncmd = y\n ${long}\n`);
    const began = Date.now();
    assert.deepEqual(read(main), {
      watchers: ['good'],
      problems: [
        'error main.ini:2:1: this line has 10000007 letters, and more than 1000000 are not read; [watcher:w] is left out',
        'error main.ini:8:1: this line has 10000001 letters, and more than 1000000 are not read; [watcher:v] is left out',
      ],
    });
    assert.deepEqual(read(write('a.json', `{"watchers": {"w": {"cmd": "${long}"}, "good": {"cmd": "x"}}}`)), {
      watchers: ['good'],
      problems: [
        'error a.json:1:28: the value of "cmd" has 10000000 letters, and more than 1000000 are not read; [watcher:w] is left out',
      ],
    });
    assert.ok(Date.now() - began < 3000);
  });

  it('may be bytes that are no UTF-8, in any kind of file', () => {
    const bytes = Buffer.from('[watcher:w]\ncmd = \xff', 'latin1');
    const main = write('main.ini', `[circus]\ninclude = a.ini a.json\n${good}env_file = v\n`);
    write('a.ini', bytes);
    write('a.json', Buffer.from('{"a": "\xff"}', 'latin1'));
    write('v', Buffer.from('A=\xff', 'latin1'));
    assert.deepEqual(read(main), {
      watchers: [],
      problems: [
        'error a.ini:2:7: the included file "a.ini" is not UTF-8 text from here on, so nothing of it is used',
        'error a.json:1:8: the included file "a.json" is not UTF-8 text from here on, so nothing of it is used',
        'error v:1:3: the file of variables "v" is not UTF-8 text from here on, so nothing of it is used; [watcher:good] is left out',
      ],
    });
  });

  it('may be a long chain of variables, or a large circle of them', () => {
    const chain = Array.from({ length: 20_000 }, (_, at) => `V${at} = $(circus.env.V${at + 1})`).join('\n');
    const began = Date.now();
    assert.deepEqual(read(write('main.ini', `[env]\n${chain}\n${good}`)).watchers, ['good']);
    const circle = read(write('circle.ini', `[env]\n${chain}\nV20000 = $(circus.env.V0)\n${good}`));
    assert.deepEqual(circle.watchers, ['good']);
    const message = '"V0" stays as written, because it refers to itself through 20000 others';
    assert.deepEqual([circle.problems.length, circle.problems[0]], [20_001, `warning circle.ini:2:6: ${message}`]);
    assert.ok(Date.now() - began < 5000);
  });

  it('may be defaults that are nested a hundred thousand times', () => {
    const text = '${A:-'.repeat(100_000);
    const { problems } = read(
      write('main.ini', `[watcher:w]\ncmd = x${text}${'}'.repeat(100_000)}\nexpand = shell\n${good}`),
    );
    assert.equal(problems.length, 1);
  });
});
