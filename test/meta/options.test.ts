/**
 * Every option of a watcher has a test on a real child in test/e2e/options, whose title begins with the option's name and a
 * colon. Left out are those that a plugin of their own carries out, which tests them in its own folder, and those that
 * only say how the file is read.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { schema } from '../../cli/config/schema.js';
import { inRoot } from '../support/paths.js';

/** Circus's options of a watcher (circus-compat §1.6) that the kernel, `limits` and `max-age` carry out. */
const circus = [
  ...['cmd', 'args', 'numprocesses', 'warmup_delay', 'executable', 'working_dir', 'shell', 'shell_args', 'uid', 'gid'],
  ...['copy_env', 'copy_path', 'virtualenv', 'virtualenv_py_ver', 'send_hup', 'stop_signal', 'stop_children'],
  ...['graceful_timeout', 'max_retry', 'priority', 'singleton', 'respawn', 'autostart', 'use_sockets', 'stdin_socket'],
  ...['max_age', 'max_age_variance', 'close_child_stdin', 'close_child_stdout', 'close_child_stderr', 'rlimit_*'],
];
/** Circus's, and in the hands of other plugins. */
const others = ['on_demand', 'stdout_stream.*', 'stderr_stream.*', 'hooks.*', 'check_flapping', 'env'];
/** How the file is read: test/cli/config. */
const readings = ['env_file', 'secret.*', 'expand'];

const folder = inRoot('test', 'e2e', 'options');
const tested = new Set(
  readdirSync(folder)
    .filter((name) => name.endsWith('.test.ts'))
    .flatMap((name) => [...readFileSync(`${folder}/${name}`, 'utf8').matchAll(/\bit\(\s*['"`]([\w.*]+): /g)])
    .map(([, title]) => title!),
);

describe('the options of a watcher', () => {
  const known = schema.watcher.map(({ key }) => key);

  it('are all of Circus’s', () => {
    assert.deepEqual(
      [...circus, ...others].filter((key) => !known.includes(key)),
      [],
    );
  });

  it('each have a test on a real child', () => {
    const own = schema.watcher
      .filter(({ key, owner, type }) => owner === null && type !== 'unused' && !readings.includes(key))
      .map(({ key }) => key);
    assert.deepEqual(
      [...new Set([...own, ...circus, 'umask'])].filter((key) => !tested.has(key)),
      [],
    );
  });

  it('that are tested are options', () => {
    assert.deepEqual(
      [...tested].filter((key) => key !== 'wid' && !known.includes(key)),
      [],
    );
  });
});
