import assert from 'node:assert/strict';
import { baseEnvironment, findProgram, processSpec, withListenPid } from '../../core/launch.js';
import type { Socket } from '../../core/socket.js';
import { socketSpec, watcherSpec, type WatcherSpec } from '../../core/spec.js';
import { temporaryPerTest } from '../support/temporary.js';

const socket = (name: string, fd: number) =>
  [name, { fd, spec: socketSpec({ name }), seat: () => fd } as unknown as Socket] as const;
const sockets = new Map([socket('web', 64), socket('api', 65)]);

const specOf = (given: Partial<WatcherSpec>, wid = 1) => {
  const spec = watcherSpec({ name: 'web', cmd: 'prog', ...given });
  return processSpec(spec, baseEnvironment(spec, { DAEMON: 'yes', SAME: 'daemon' }), { wid }, sockets);
};
const wordsOf = (given: Partial<WatcherSpec>, wid?: number) => {
  const { command, args } = specOf(given, wid);
  return [command, ...args];
};

describe('the words of a process', () => {
  it('are those of cmd and of args, which may be a list', () => {
    assert.deepEqual(wordsOf({ cmd: "prog 'a b'", args: '-c "d e"' }), ['prog', 'a b', '-c', 'd e']);
    assert.deepEqual(wordsOf({ args: ['a b', '$(circus.wid)'] }, 7), ['prog', 'a b', '7']);
    assert.throws(() => specOf({ cmd: ' ' }), {
      code: 'ERR_COMMAND_EMPTY',
      message: 'watcher "web" has an empty command',
    });
    assert.throws(() => specOf({ cmd: '"' }), { code: 'ERR_COMMAND_UNBALANCED' });
  });

  it('know the wid, sockets, the environment and the options, as Python writes them', () => {
    const cmd =
      'p $(circus.wid) $(circus.sockets.WEB) $(circus.env.home) $(circus.numprocesses) $(circus.graceful_timeout) ' +
      '$(circus.singleton) $(circus.stdin_socket) $(circus.working_dir) $(circus.warmup_delay)';
    const words = wordsOf({ cmd, env: { HOME: '/h' }, working_dir: '/w', warmup_delay: 2, numprocesses: 3 }, 2);
    assert.deepEqual(words, ['p', '2', '64', '/h', '3', '30.0', 'False', 'None', '/w', '2']);
  });

  it('know what the watcher says to plugins', () => {
    const options = { uid: 'www', rlimit_nofile: 500, max_age: 60 };
    assert.deepEqual(wordsOf({ cmd: 'p $(circus.uid) $(circus.rlimits.nofile) $(circus.max_age)', options }), [
      'p',
      'www',
      '500',
      '60',
    ]);
  });

  it('know nothing else', () => {
    const cmd =
      '$(circus.name) $(circus.options) $(circus.needs) $(circus.constructor) $(circus.__proto__) $(circus.sockets.x)';
    assert.deepEqual(wordsOf({ cmd }), cmd.split(' '));
  });

  it('are quoted, each, for a shell, whose own words follow', () => {
    const words = wordsOf({ cmd: "echo 'a  b' $HOME '&&'", shell: true, shell_args: 'zero one' });
    assert.deepEqual(words, ['/bin/sh', '-c', "echo 'a  b' '$HOME' '&&'", 'zero', 'one']);
  });
});

describe('the program of a process', () => {
  it('may be another than the word that it is called by', () => {
    const { command, executable, args } = specOf({ cmd: 'prog a', executable: '/bin/other' });
    assert.deepEqual([command, executable, args], ['prog', '/bin/other', ['a']]);
    assert.equal(specOf({}).executable, undefined);
  });

  it('may be the shell', () => {
    const { command, executable, args } = specOf({ cmd: 'prog a', executable: '/bin/bash', shell: true });
    assert.deepEqual([command, executable, args], ['/bin/bash', undefined, ['-c', 'prog a']]);
  });
});

describe('the words of a process that may be shown', () => {
  const shown = (KEY: string, given: Partial<WatcherSpec>) =>
    specOf({ env: { KEY, OTHER: 'x' }, secrets: ['KEY'], ...given }).shown;

  it('are made without the secrets, whatever a shell makes of those', () => {
    const cmd = 'prog --key=$(circus.env.key) $(circus.env.other) $(circus.wid)';
    assert.deepEqual(shown(`a b "c'd" \\e`, { cmd }), ['prog', '--key=***', 'x', '1']);
    assert.deepEqual(shown(`a'b`, { cmd: 'prog', args: ['$(circus.env.key)'], shell: true }), [
      '/bin/sh',
      '-c',
      `prog '***'`,
    ]);
  });

  it('are none where nothing but a secret holds them together', () => {
    assert.deepEqual(specOf({ cmd: 'prog "$(circus.env.key)', env: { KEY: 'a b"' }, secrets: ['KEY'] }).args, ['a b']);
    assert.deepEqual(shown('a b"', { cmd: 'prog "$(circus.env.key)' }), ['***', '***']);
  });

  it('are the words themselves where there is no secret', () => {
    assert.equal(specOf({ env: { KEY: 'a' } }).shown, undefined);
  });
});

describe('the environment of a process', () => {
  it('is that of the configuration, over that of the daemon where it is to be copied', () => {
    assert.deepEqual(specOf({}).env, {});
    assert.deepEqual(specOf({ env: { SAME: 'own' } }).env, { SAME: 'own' });
    assert.deepEqual(specOf({ env: { SAME: 'own' }, copy_env: true }).env, { DAEMON: 'yes', SAME: 'own' });
  });

  it('has its variables filled in', () => {
    assert.deepEqual(specOf({ env: { PORT: '80$(circus.wid)', PLAIN: '$HOME' } }, 3).env, {
      PORT: '803',
      PLAIN: '$HOME',
    });
  });
});

describe('the descriptors of a process', () => {
  it('are its standard ones, closed as asked for', () => {
    assert.deepEqual(specOf({}).files, { 0: 'null', 1: 'inherit', 2: 'inherit' });
    const closed = { close_child_stdin: false, close_child_stdout: true, close_child_stderr: true };
    assert.deepEqual(specOf(closed).files, { 0: 'inherit', 1: 'null', 2: 'null' });
  });

  it('are the sockets that it names, or all, each at its own number', () => {
    const socketsOf = (given: Partial<WatcherSpec>) => Object.keys(specOf(given).files).slice(3);
    assert.deepEqual(socketsOf({ use_sockets: true }), ['64', '65']);
    assert.deepEqual(socketsOf({ use_sockets: true, sockets: ['API'] }), ['65']);
    assert.deepEqual(socketsOf({ sockets: ['web'] }), ['64']);
    assert.throws(() => specOf({ sockets: ['nobody'] }), {
      code: 'ERR_SOCKET_UNKNOWN',
      message: 'watcher "web" names socket "nobody", which is not there',
    });
  });

  it('can have a socket as standard input', () => {
    assert.deepEqual(specOf({ stdin_socket: 'api' }).files[0], { descriptor: 65 });
    assert.throws(() => specOf({ stdin_socket: 'nobody' }), { code: 'ERR_SOCKET_UNKNOWN' });
  });

  it('are passed from 3 on as well, in the words of systemd, where that is asked for', () => {
    const listening = { use_sockets: true, listen_fds: true };
    const { files, env } = specOf(listening);
    assert.deepEqual([files[3], files[4]], [{ descriptor: 64 }, { descriptor: 65 }]);
    assert.deepEqual(env, { LISTEN_FDS: '2', LISTEN_FDNAMES: 'web:api' });
    const chainOf = (given: Partial<WatcherSpec>) =>
      withListenPid({ ...specOf(given), chain: [['nice']] }, watcherSpec({ name: 'web', cmd: 'prog', ...given })).chain;
    const [first, last] = chainOf(listening);
    assert.deepEqual([first, last?.slice(0, 2)], [['nice'], ['/bin/sh', '-c']]);
    assert.deepEqual(chainOf({ listen_fds: true }), [['nice']]);
  });
});

describe('findProgram', () => {
  const temporary = temporaryPerTest();

  it('takes the first file that can be run, relative folders seen from the working directory', () => {
    temporary.write('a/prog', 'text');
    temporary.write('b/prog/file', 'in a folder of that name', 0o755);
    const right = temporary.write('c/prog', '#!/bin/sh', 0o755);
    temporary.write('d/prog', '#!/bin/sh', 0o755);
    assert.equal(findProgram('prog', 'a:b:c:d', temporary.path), right);
    assert.equal(findProgram('c/prog', undefined, temporary.path), right);
    assert.equal(findProgram('/c/prog', undefined, temporary.path), '/c/prog');
  });

  it('looks in the default folders where there is no PATH, and says where it looked', () => {
    assert.match(findProgram('sh', undefined, '/'), /^(\/usr)?\/bin\/sh$/);
    assert.throws(() => findProgram('sh', '/nowhere', '/'), { message: 'program "sh" was not found in PATH' });
  });
});
