import assert from 'node:assert/strict';
import { buildConfiguration, type Configuration } from '../../../cli/config/build.js';
import { readIni } from '../../../cli/config/ini.js';
import { formatProblem } from '../../../cli/config/problem.js';
import { mergeFiles } from '../../../cli/config/sections.js';

const build = (text: string, daemon: Record<string, string> = {}): Configuration =>
  buildConfiguration(mergeFiles('a.ini', [readIni(text, 'a.ini')]), daemon);
const problems = (text: string, daemon = {}): string[] =>
  build(text, daemon).problems.map((problem) => `${problem.severity} ${formatProblem(problem)}`);
const watcher = (lines: string, daemon = {}) => {
  const [first] = build(`[watcher:web]\ncmd = run\n${lines}`, daemon).watchers;
  assert.ok(first, problems(`[watcher:web]\ncmd = run\n${lines}`).join('\n'));
  return first.spec;
};

describe('a watcher section', () => {
  it('becomes a spec', () => {
    const spec = watcher(
      'args = -v\nnumprocesses = 3\nwarmup_delay = 1\nworking_dir = sub\nshell = on\nshell_args = a\nstop_signal = INT\n' +
        'graceful_timeout = 2.5\npriority = -1\nautostart = no\nlisten_fds = 1\nready_after = 2\nmax_retry = -1',
    );
    const { args, numprocesses, warmup_delay, working_dir, shell, shell_args, stop_signal, graceful_timeout } = spec;
    assert.deepEqual(
      { args, numprocesses, warmup_delay, working_dir, shell, shell_args, stop_signal, graceful_timeout },
      {
        args: '-v',
        numprocesses: 3,
        warmup_delay: 1,
        working_dir: 'sub',
        shell: true,
        shell_args: 'a',
        stop_signal: 2,
        graceful_timeout: 2.5,
      },
    );
    assert.deepEqual([spec.priority, spec.autostart, spec.listen_fds, spec.ready_after], [-1, false, true, 2]);
    assert.deepEqual(spec.options, { __name__: 'watcher:web' });
  });

  it('has the defaults of Circus', () => {
    const spec = watcher('');
    assert.deepEqual([spec.args, spec.numprocesses, spec.graceful_timeout, spec.max_retry], ['', 1, 30, 5]);
    assert.equal(spec.working_dir, process.cwd());
    assert.deepEqual(spec.env, {});
  });

  it('keeps what belongs to plugins or nobody as text', () => {
    const { options } = watcher('uid = www\nrlimit_nofile = 10\nmax_age = 60\nflapping.window = 5\nmine = yes');
    assert.deepEqual(options, {
      uid: 'www',
      rlimit_nofile: '10',
      max_age: '60',
      'flapping.window': '5',
      mine: 'yes',
      __name__: 'watcher:web',
    });
  });

  it('has plain numbers where times and sizes are written with units', () => {
    const { options, graceful_timeout } = watcher(
      'graceful_timeout = 1m\nmax_age = 1d\nrlimit_AS = 512M\nrlimit_CPU = 5m\nstdout_stream.max_bytes = 1M\nflapping.window = 500ms',
    );
    assert.equal(graceful_timeout, 60);
    assert.deepEqual(options, {
      max_age: '86400',
      rlimit_AS: '536870912',
      rlimit_CPU: '300',
      'stdout_stream.max_bytes': '1048576',
      'flapping.window': '0.5',
      __name__: 'watcher:web',
    });
  });

  it('is refused when an option of a plugin cannot be converted', () => {
    assert.deepEqual(problems('[watcher:w]\ncmd = x\nmax_age = old\nstdout_stream = FileStream'), [
      'error a.ini:3:11: "max_age" must be a whole number of seconds, or a time such as 1h30m, and is "old"; [watcher:w] is left out',
      'error a.ini:4:1: "stdout_stream" names no option of a stream, as "stdout_stream.class" does; [watcher:w] is left out',
    ]);
  });

  it("fills in text from its own environment, and typed options from [env] and the daemon's", () => {
    const text =
      '[env]\nN = 2\nA = e\n[env:web]\nA = own\nN = 3\n' +
      '[watcher:web]\ncmd = $(circus.env.a) $(circus.env.D) $(circus.wid) $(circus.env.no)\n' +
      'numprocesses = $(circus.env.N)\nstdout_stream.filename = ((circus.env.A)).log\nhooks.before_start = $(circus.env.A)';
    const [first] = build(text, { D: 'd' }).watchers;
    assert.equal(first?.spec.cmd, 'own d $(circus.wid) $(circus.env.no)');
    assert.equal(first?.spec.numprocesses, 2);
    assert.equal(first?.spec.options['stdout_stream.filename'], 'own.log');
    assert.equal(first?.spec.options['hooks.before_start'], '$(circus.env.A)');
    assert.deepEqual(first?.spec.env, { N: '3', A: 'own' });
  });

  it("has the daemon's environment under its own with copy_env", () => {
    assert.deepEqual(watcher('copy_env = True\n[env]\nB = 1', { A: '0', B: '0' }).env, { A: '0', B: '1' });
  });

  it('may have another name than its header says', () => {
    assert.equal(watcher('name = other').name, 'other');
  });

  it('is skipped when it is empty, and refused without a command', () => {
    assert.deepEqual(problems('[watcher:w]'), []);
    assert.deepEqual(problems('[watcher:w]\nargs = x'), [
      'error a.ini:1:1: watcher "w" has no "cmd", so there is nothing to run; [watcher:w] is left out',
    ]);
  });

  it('is refused when it is a singleton of several processes', () => {
    assert.deepEqual(problems('[watcher:w]\ncmd = x\nsingleton = 1\nnumprocesses = 2'), [
      'error a.ini:4:16: "numprocesses" is 2, but a singleton has at most one process; [watcher:w] is left out',
    ]);
  });

  it('is refused when an earlier one has the same name but for case', () => {
    const text = '[watcher:web]\ncmd = x\n[watcher:Web]\ncmd = y';
    assert.deepEqual(problems(text), [
      'error a.ini:3:1: watcher "Web" has the same name as [watcher:web] (a.ini:1); case does not count; [watcher:Web] is left out',
    ]);
    assert.equal(build(text).watchers.length, 1);
  });

  it('inherits the sockets that it names', () => {
    const text = '[socket:Web]\nport = 1\n[socket:admin]\nport = 2\n[watcher:w]\ncmd = x\nsockets = web, Admin';
    const [first] = build(text).watchers;
    assert.deepEqual([first?.spec.use_sockets, first?.spec.sockets], [true, ['web', 'admin']]);
  });

  it('is refused when it names a socket that is not there', () => {
    const text =
      '[socket:web]\nport = 1\n[watcher:w]\ncmd = x $(circus.sockets.WBE) ((circus.sockets.web))\n' +
      'args = $(circus.sockets.zzz)\nsockets = wep\nstdin_socket = web';
    assert.deepEqual(problems(text), [
      'error a.ini:4:7: "cmd" names socket "wbe", but there is no [socket:wbe] (did you mean "web"?); [watcher:w] is left out',
      'error a.ini:5:8: "args" names socket "zzz", but there is no [socket:zzz]; [watcher:w] is left out',
      'error a.ini:6:11: "sockets" names socket "wep", but there is no [socket:wep] (did you mean "web"?); [watcher:w] is left out',
    ]);
  });

  it('is refused when it names a socket that has an error', () => {
    const text = '[socket:web]\nport = x\n[watcher:w]\ncmd = x\nsockets = web\n[watcher:v]\ncmd = y';
    assert.equal(build(text).watchers.length, 1);
    assert.equal(
      problems(text)[1],
      'error a.ini:5:11: "sockets" names socket "web", which is left out because of an error in it; [watcher:w] is left out',
    );
  });

  it('may name the socket of the HTTP interface', () => {
    const text = '[circus]\nhttpd = 1\n[watcher:w]\ncmd = x $(circus.sockets.circushttpd)';
    assert.deepEqual(problems(text), []);
  });
});
