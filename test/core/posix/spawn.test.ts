import assert from 'node:assert/strict';
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { constants as system } from 'node:os';
import { sealDescriptors } from '../../../core/posix/descriptor.js';
import { signalName } from '../../../core/posix/spawn.js';
import { releaseReaper } from '../../../core/posix/reap.js';
import { assertNothingLeft, watchLeftovers } from '../../support/leftovers.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { Child, outputOf } from '../child.js';

describe('a spawned program', () => {
  const temporary = temporaryPerTest();
  beforeEach(() => void watchLeftovers());
  afterEach(async () => {
    await assertNothingLeft();
    releaseReaper();
  });

  it('leads a session and a group of its own', async () => {
    const child = new Child('cat /proc/self/stat');
    const { pid } = child.process;
    await child.process.finished();
    const fields = child.text.split(' ');
    assert.deepEqual([fields[0], fields[4], fields[5]].map(Number), [pid, pid, pid]);
  });

  it('has no signal blocked or ignored, SIGPIPE included, which Node ignores', async () => {
    const status = await outputOf('cat /proc/self/status');
    const own = readFileSync('/proc/self/status', 'utf8');
    assert.match(own, /^SigIgn:\t\d*[1-9a-f]\d*/m);
    for (const set of ['SigIgn', 'SigBlk', 'SigCgt']) assert.match(status, new RegExp(`^${set}:\t0+$`, 'm'));
    const exit = await new Child(['sh', '-c', 'kill -PIPE $$; echo survived']).process.ended;
    assert.equal(exit.signal, system.signals.SIGPIPE);
  });

  it('has exactly the environment that it was given, and the mark of its tree', async () => {
    const env = { ONE: '1', EMPTY: '', 'ODD name': 'a=b\nc' };
    const text = await outputOf(['/usr/bin/env', '-0'], { env, mark: 'the mark' });
    assert.deepEqual(text.split('\0').filter(Boolean).sort(), [
      'CIRCUS_ID=the mark',
      'EMPTY=',
      'ODD name=a=b\nc',
      'ONE=1',
    ]);
  });

  it('runs in its working directory, and finds its program by its own PATH', async () => {
    temporary.write('hello', '#!/bin/sh\npwd -P', 0o755);
    assert.equal(await outputOf('hello', { env: { PATH: `/nowhere:${temporary.path}` }, cwd: '/usr' }), '/usr\n');
    assert.equal(await outputOf('./hello', { env: {}, cwd: temporary.path }), `${temporary.path}\n`);
    assert.equal(await outputOf('pwd', { env: {}, cwd: '/usr' }), '/usr\n');
  });

  it('has its words as they are, the first one included', async () => {
    const words = ['', 'a b', "it's", '$HOME', 'é', '\n'];
    assert.equal(await outputOf(['printf', '[%s]', ...words]), words.map((word) => `[${word}]`).join(''));
    assert.match(await outputOf(['sh', '-c', 'echo "$0"; cat /proc/$$/cmdline']), /^sh\nsh\0/);
  });

  it('has no descriptor above 2 that was not meant for it', async () => {
    sealDescriptors();
    const open = openSync('/dev/zero', constants.O_RDONLY);
    const list = await outputOf(['sh', '-c', 'exec ls /proc/self/fd']);
    closeSync(open);
    // The fourth is the folder that is being read.
    assert.equal(list, '0\n1\n2\n3\n');
  });

  it('has files, pipes, /dev/null and descriptors where they were meant to be', async () => {
    const source = openSync(temporary.write('in', 'from a descriptor'), 'r');
    const path = `${temporary.path}/out`;
    const flags = constants.O_WRONLY | constants.O_CREAT;
    const script = 'cat; cat <&7 >&9; readlink /proc/self/fd/0; echo error >&2';
    const child = new Child(['sh', '-c', script], {
      files: { 0: 'null', 1: 'pipe', 2: 'pipe', 7: { descriptor: source }, 9: { path, flags } },
    });
    await child.process.finished();
    closeSync(source);
    assert.equal(readFileSync(path, 'utf8'), 'from a descriptor');
    assert.deepEqual(child.text.split('\n').sort(), ['', '/dev/null', 'error']);
  });

  it('can be given a descriptor at the number that it has already', async () => {
    const source = openSync(temporary.write('in', 'here'), 'r');
    const files = { 0: 'null', 1: 'pipe', 2: 'inherit', [source]: { descriptor: source } } as const;
    assert.equal(await outputOf(`cat /dev/fd/${source}`, { files }), 'here');
    closeSync(source);
  });

  it('stands at the end of its chain', async () => {
    const chain = [
      ['nice', '-n', '5'],
      ['sh', '-c', 'umask 027; exec "$@"', 'sh'],
    ];
    assert.equal(await outputOf(['sh', '-c', 'umask; nice; echo "$1"', 'x', 'a b'], { chain }), '0027\n5\na b\n');
  });

  it('that cannot be started is told with the number and the words of the system', () => {
    const file = temporary.write('plain', 'no program');
    const unknown = temporary.write('unknown', '\0\0\0\0', 0o755);
    const failure = (line: string, options = {}) => {
      try {
        new Child(line, options);
      } catch (error) {
        const { code, cause, message } = error as { code: string; cause: unknown; message: string };
        return [code, cause, message];
      }
      return assert.fail('it started');
    };
    const { ENOENT, EACCES, ENOEXEC } = system.errno;
    assert.deepEqual(failure(`${temporary.path}/missing`).slice(0, 2), ['ERR_PROCESS_SPAWN', ENOENT]);
    assert.deepEqual(failure(file).slice(0, 2), ['ERR_PROCESS_SPAWN', EACCES]);
    assert.equal(failure(file)[2], `could not start "${file}": Permission denied`);
    assert.deepEqual(failure(unknown).slice(0, 2), ['ERR_PROCESS_SPAWN', ENOEXEC]);
    assert.equal(failure('no-such-program')[0], 'ERR_COMMAND_NOT_FOUND');
    assert.match(String(failure('no-such-program', { env: {} })[2]), /in the default path \(no PATH is set\)/);
    assert.equal(failure('true', { cwd: '/nowhere' })[0], 'ERR_PROCESS_CWD');
    assert.equal(failure('true', { cwd: file })[0], 'ERR_PROCESS_CWD');
    assert.equal(failure('no-such-link', { chain: [['no-such-link']] })[0], 'ERR_COMMAND_NOT_FOUND');
  });

  it('is not started with half of its words', () => {
    const nul = { code: 'ERR_PROCESS_SPAWN', message: /a NUL character/ };
    assert.throws(() => new Child(['echo', 'a\0b']), nul);
    assert.throws(() => new Child('echo', { env: { A: 'a\0b', PATH: '/bin' } }), nul);
  });
});

describe('signalName', () => {
  it('names what has a name', () => {
    assert.deepEqual([15, 9, 200].map(signalName), ['SIGTERM', 'SIGKILL', undefined]);
  });
});
