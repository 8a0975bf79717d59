import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { factsOf } from '../../core/posix/process.js';
import { watcherSpec } from '../../core/spec.js';
import { temporaryPerTest } from '../support/temporary.js';
import { worldPerTest } from './world.js';

const lives = (pid: number) => {
  const facts = factsOf(pid);
  return facts !== undefined && !facts.zombie;
};

/** A worker whose grandchild leaves its session, its parent and its environment. */
const escaping = (file: string) =>
  `python3 -c "import os,time
if os.fork()==0:
  os.setsid()
  pid=os.fork()
  if pid==0: os.execve('/bin/sleep',['sleep','600'],{})
  open('${file}.part','w').write(str(pid)); os.rename('${file}.part','${file}'); os._exit(0)
os.wait(); time.sleep(600)"`;

describe('the stop of everything', () => {
  const world = worldPerTest();
  const temporary = temporaryPerTest();

  it('ends what got away from its watcher without a trace', async () => {
    const file = `${temporary.path}/pid`;
    const text = () => {
      try {
        return readFileSync(file, 'utf8');
      } catch {
        return '';
      }
    };
    await world().arbiter.start();
    await world().up({ name: 'escaping', cmd: escaping(file), close_child_stdout: true, close_child_stderr: true });
    await world().until(() => text() !== '');
    const escaped = Number(text());
    await world().until(() => factsOf(escaped)?.parent === process.pid);
    await world().arbiter.stop();
    assert.equal(lives(escaped), false);
  });
});

describe('an error about the start of a process', () => {
  const world = worldPerTest();

  it('holds no secret', async () => {
    const spec = watcherSpec({
      name: 'secretive',
      cmd: 'prog --pw $(circus.env.pw)',
      env: { PW: "pa'ss" },
      secrets: ['PW'],
      max_retry: 1,
    });
    const watcher = world().arbiter.add(spec);
    await watcher.start().result;
    assert.equal(watcher.state, 'gave-up');
    assert.match(watcher.reason, /--pw \*\*\*/);
    assert.doesNotMatch(watcher.reason, /pa'ss/);
  });
});
