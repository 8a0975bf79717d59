import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { readConfiguration } from '../../../cli/config/build.js';
import { formatProblem, strictly } from '../../../cli/config/problem.js';
import { temporaryPerTest } from '../../support/temporary.js';

describe('bad input', () => {
  const folder = temporaryPerTest();
  const { write } = folder;
  /** The sound watchers, and all problems as a strict reader sees them. */
  const read = (path: string) => {
    const { watchers, problems } = readConfiguration(path, {});
    const told = strictly(problems).map((problem) => `${problem.severity} ${formatProblem(problem)}`);
    return {
      watchers: watchers.map(({ spec }) => spec.name),
      problems: told.map((one) => one.replaceAll(`${folder.path}/`, '')),
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

  it('may be a pipe, a device, or a file without end where a file is named: only the main file may be a pipe', () => {
    execFileSync('mkfifo', [join(folder.path, 'pipe')]);
    truncateSync(write('huge', ''), 2 ** 40);
    write('w.ini', '[watcher:w]\ncmd = x\n');
    for (const [file, why] of [
      ['pipe', 'is no regular file'],
      ['/dev/zero', 'is no regular file'],
      ['huge', 'has more than 16 MiB, which no file here may have'],
    ] as const) {
      assert.deepEqual(read(write('main.ini', `[circus]\ninclude = ${file}\n${good}`)), {
        watchers: ['good'],
        problems: [`error main.ini:2:11: the included file "${file}" ${why}`],
      });
      const watcher = (text: string) => read(write('main.ini', `[watcher:w]\ncmd = x\n${text}\n${good}`));
      const left = '; [watcher:w] is left out';
      assert.deepEqual(watcher(`secret.A = ${file}`), {
        watchers: ['good'],
        problems: [`error main.ini:3:12: "secret.A" cannot be read: "${file}" ${why}${left}`],
      });
      assert.deepEqual(watcher(`env_file = -${file}`), {
        watchers: ['good'],
        problems: [`error main.ini:3:12: the file of variables "${file}" ${why}${left}`],
      });
    }
    assert.match(read('/dev/zero').problems.join(), /is no regular file$/);
    const main = `exec 3< <(echo "[watcher:a]"; echo "cmd = x"); exec "$0" --input-type=module -e "$1"`;
    const script = `const { readFiles } = await import(${JSON.stringify(new URL('../../../cli/config/read.js', import.meta.url).href)});
      console.log(['/dev/fd/3', '/dev/fd/3'].map((path, at) => readFiles(path, {}, { again: at > 0 }).files.length).join());`;
    assert.equal(execFileSync('bash', ['-c', main, process.execPath, script], { encoding: 'utf8' }), '1,0\n');
  });

  it('is not quoted when it stands in another file than the main one', () => {
    const lines = 'root:sesame\n[a\nsesame\n[watcher:w]\nsesame\n= sesame\n';
    const main = write('main.ini', `[circus]\ninclude = a.ini\n${good}`);
    write('a.ini', lines);
    const told = read(main).problems;
    assert.deepEqual(told, [
      'error a.ini:1:1: this line is not in a section, so the lines up to the first are skipped',
      'error a.ini:2:1: this section header has no "]", so the lines up to the next section are skipped',
      'error a.ini:5:1: this line has neither "=" nor ":" and cannot be read; [watcher:w] is left out',
      'error a.ini:6:1: this line has no name before "=" and cannot be read; [watcher:w] is left out',
    ]);
    assert.match(read(write('main.ini', lines)).problems[0]!, /: "root:sesame" is not in a section/);
  });

  it('may be variables that double one another, as long as it is wanted', () => {
    const chain = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, at) => `A${from + at} = ${`$(circus.env.A${from + at + 1})`.repeat(2)}`);
    for (const [head, name] of [
      ['[env]\n', 'env'],
      ['[watcher:w]\ncmd = x\n', 'watcher'],
    ] as const) {
      const prefix = name === 'env' ? '' : 'env.';
      const text = [...chain(0, 60), 'A60 = 123456789'].map((line) => prefix + line).join('\n');
      const { problems } = read(write('main.ini', `${head}${text}\n`));
      assert.match(problems[0]!, /"(?:env\.)?A\d+" would get more than 1048576 letters from other variables/);
    }
    const once = '[env]\nA = '.padEnd(1000, 'x');
    const many = '$(circus.env.A)'.repeat(3000);
    const { watchers, problems } = read(write('main.ini', `${once}\n[watcher:w]\ncmd = ${many}\n${good}`));
    assert.deepEqual(watchers, ['good']);
    assert.match(problems.join(), /^error main\.ini:4:7: "cmd" would get more than 1048576 letters from its variables/);
    const long = `[env]\nA = ${'x'.repeat(100_000)}`;
    const wide = Array.from({ length: 100 }, (_, at) => `B${at} = ${'$(circus.env.A)'.repeat(10)}`).join('\n');
    assert.match(read(write('main.ini', `${long}\n${wide}\n`)).problems[0]!, /"B\d+" is too much/);
  });

  it('may be a directory in place of a file, included or not', () => {
    mkdirSync(join(folder.path, 'd'));
    const main = write('main.ini', `[circus]\ninclude = d\n${good}`);
    assert.deepEqual(read(main), {
      watchers: ['good'],
      problems: ['error main.ini:2:11: the included file "d" is a directory, not a file'],
    });
    assert.deepEqual(read(join(folder.path, 'd')).problems, [
      'error d:1:1: the configuration file "d" is a directory, not a file',
    ]);
  });

  it('may be a line of seven megabytes', () => {
    const long = 'x'.repeat(7_000_000);
    const main = write('main.ini', `[watcher:w]\nargs = ${long}\ncmd = x\n${good}[watcher:v]\ncmd = y\n ${long}\n`);
    const began = Date.now();
    assert.deepEqual(read(main), {
      watchers: ['good'],
      problems: [
        'error main.ini:2:1: this line has 7000007 letters, and more than 1000000 are not read; [watcher:w] is left out',
        'error main.ini:8:1: this line has 7000001 letters, and more than 1000000 are not read; [watcher:v] is left out',
      ],
    });
    assert.deepEqual(read(write('a.json', `{"watchers": {"w": {"cmd": "${long}"}, "good": {"cmd": "x"}}}`)), {
      watchers: ['good'],
      problems: [
        'error a.json:1:28: the value of "cmd" has 7000000 letters, and more than 1000000 are not read; [watcher:w] is left out',
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
