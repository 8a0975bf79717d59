import assert from 'node:assert/strict';
import { realpathSync } from 'node:fs';
import { eventually } from '../../support/eventually.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { Child, subjectPerTest } from './subject.js';

describe('options about the command line, on a real child', () => {
  const start = subjectPerTest();
  const temporary = temporaryPerTest();

  it('cmd: is split into words as a shell does, with nothing else done to them', async () => {
    const { pid } = await (await start(`cmd = sh -c "exec sleep 600" 'a  b' "$HOME" c\\ d *`)).child();
    assert.ok(pid > 0);
    const subject = await start(`cmd = /bin/sleep '600' "0.5"`);
    assert.deepEqual((await subject.child()).words, ['/bin/sleep', '600', '0.5']);
  });

  it('args: are further words', async () => {
    const subject = await start(`cmd = sleep 600\nargs = 0.5 '1'`);
    assert.deepEqual((await subject.child()).words, ['sleep', '600', '0.5', '1']);
  });

  it('executable: is what runs, and cmd what it is called', async () => {
    const subject = await start('cmd = renamed 600\nexecutable = /bin/sleep');
    const child = await subject.child();
    assert.deepEqual([child.words, child.link('exe')], [['renamed', '600'], realpathSync('/bin/sleep')]);
  });

  it('executable: is found in the child’s PATH, runs behind a chain too, and is the shell where there is one', async () => {
    const folder = temporary
      .write('sleep', '#!/bin/sh\necho mine\nexec /bin/sleep 600\n', 0o755)
      .replace(/\/sleep$/, '');
    const subject = await start(
      `cmd = other 600\nexecutable = sleep\nnice = 3\nenv.PATH = ${folder}:/usr/bin:/bin`,
      '[watcher:shell]\ncmd = sleep 600\nshell = True\nexecutable = /bin/bash',
    );
    assert.deepEqual((await subject.child()).words, ['/bin/sleep', '600']);
    await subject.says('mine');
    await eventually(async () => {
      const [pid] = await subject.running(1, 'shell');
      // A shell with one command becomes that.
      assert.match(new Child(pid!).words.join(' '), /^(\/bin\/bash -c )?sleep 600$/);
    });
    const { stdout } = await subject.daemon.ctl('explain', 'shell');
    assert.match(stdout, /^Command line: \/bin\/bash -c 'sleep 600'$/m);
  });

  it('shell: runs the words through sh, each quoted', async () => {
    const subject = await start(
      `cmd = sh -c 'echo "$0" "$1" "$2"; exec sleep 600'\nargs = '$HOME' '&&' *\nshell = True`,
    );
    await subject.child('sh');
    await subject.says('$HOME && *');
  });

  it('shell_args: are $0, $1 and so on of the shell', async () => {
    const subject = await start(`cmd = nothing-of-this-name\nshell = True\nshell_args = my-shell 'one 1'`);
    // Its complaints bear the name that $0 is.
    await subject.says('my-shell: 1: nothing-of-this-name: not found');
    const { stdout } = await subject.daemon.ctl('explain', 'w');
    assert.match(stdout, /: \/bin\/sh -c nothing-of-this-name my-shell 'one 1'$/m);
  });

  it('working_dir: is where it starts', async () => {
    const folder = realpathSync(temporary.path);
    const subject = await start(`cmd = sleep 600\nworking_dir = ${folder}`);
    assert.equal((await subject.child()).link('cwd'), folder);
    const other = await start('cmd = sleep 600');
    assert.equal((await other.child()).link('cwd'), realpathSync(other.daemon.folder.path));
  });

  it('name: is what the watcher is called', async () => {
    const { daemon } = await start('cmd = sleep 600\nname = Other');
    assert.deepEqual(Object.keys(((await daemon.json('status')) as { statuses: object }).statuses), ['Other']);
  });

  it('wid: is filled into cmd, args and env, from 1 to N', async () => {
    const subject = await start(
      'cmd = sleep 600 $(circus.wid)\nargs = 0.$(circus.wid)\nenv.PLACE = p$(circus.wid)\nnumprocesses = 3',
    );
    const seen = await eventually(async () => {
      const children = (await subject.running(3)).map((pid) => new Child(pid));
      return children.map(({ words, env }) => [...words.slice(2), env['PLACE']].join(' ')).sort();
    });
    assert.deepEqual(seen, ['1 0.1 p1', '2 0.2 p2', '3 0.3 p3']);
  });

  it('wid: stays over respawns, and is at most N and one in a replacement', async () => {
    const subject = await start('cmd = sleep 600\nenv.PLACE = $(circus.wid)\nnumprocesses = 2\nready_after = 0');
    const places = async () => {
      const children = (await subject.running(2)).map((pid) => new Child(pid));
      return new Map(children.map(({ pid, env }) => [env['PLACE'], pid]));
    };
    const before = await places();
    for (const [place, pid] of before) {
      process.kill(pid, 'SIGKILL');
      await eventually(async () => {
        const now = await places();
        assert.deepEqual([...now.keys()].sort(), ['1', '2']);
        assert.notEqual(now.get(place), pid);
      });
    }
    for (let round = 0; round < 3; round++) {
      await subject.does('reload', 'w');
      for (const { wid } of await subject.ends()) assert.ok(wid >= 1 && wid <= 3, String(wid));
      assert.deepEqual(
        [...(await places()).keys()].filter((place) => !/^[123]$/.test(String(place))),
        [],
      );
    }
  });
});
