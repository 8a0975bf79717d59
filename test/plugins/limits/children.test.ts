import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { eventually } from '../../support/eventually.js';
import { facts, settled, status, worldPerTest } from './world.js';

const output = (command: string, ...args: readonly string[]) => spawnSync(command, args, { encoding: 'utf8' }).stdout;
const capability = { net_bind_service: 1n << 10n, chown: 1n };

describe('a real child with limits', () => {
  const world = worldPerTest();

  it('runs as another user, with his group and his groups (setpriv)', async () => {
    const child = await world().child({ uid: 'nobody' });
    const id = (...args: readonly string[]) => output('id', ...args, 'nobody').trim();
    assert.equal(status(child, 'Uid'), Array(4).fill(id('-u')).join(' '));
    assert.equal(status(child, 'Gid'), Array(4).fill(id('-g')).join(' '));
    assert.equal(status(child, 'Groups'), id('-G'));
  });

  it('runs with the groups that are named', async () => {
    const child = await world().child({ uid: 'nobody', gid: '4', groups: 'daemon,7000' });
    assert.equal(status(child, 'Gid'), '4 4 4 4');
    assert.equal(status(child, 'Groups'), '1 7000');
  });

  it('runs as a number without a name, with a group and no more groups', async () => {
    const child = await world().child({ uid: '71234', gid: '71235' });
    assert.deepEqual([status(child, 'Uid'), status(child, 'Groups')], ['71234 71234 71234 71234', '']);
  });

  it('runs under its group alone', async () => {
    const child = await world().child({ gid: '4' });
    assert.deepEqual([status(child, 'Uid'), status(child, 'Gid')], ['0 0 0 0', '4 4 4 4']);
  });

  it('has an environment without the names of the user, as in Circus', async () => {
    const child = await world().child({ uid: 'nobody' }, { copy_env: false, env: { ONLY: 'this' } });
    const names = facts(child, 'environ')
      .split('\0')
      .filter(Boolean)
      .map((entry) => entry.split('=')[0]);
    assert.deepEqual(names.sort(), ['CIRCUS_ID', 'ONLY']);
  });

  it('reaches every link though the PATH of the program has none of them', async () => {
    const path = { copy_env: false, env: { PATH: '/nowhere' }, cmd: '/bin/sleep 600' };
    const child = await world().child({ uid: 'nobody', nice: '3', rlimit_core: '0', umask: '077' }, path);
    assert.equal(status(child, 'Umask'), '0077');
  });

  it('may bind low ports as another user, and nothing else that root may', async () => {
    const child = await world().child({ uid: 'nobody', capabilities: '+net_bind_service' });
    const held = (set: string) => BigInt(`0x${status(child, set)}`);
    assert.deepEqual([held('CapEff'), held('CapAmb')], [capability.net_bind_service, capability.net_bind_service]);
  });

  it('loses capabilities for good, also as root', async () => {
    const child = await world().child({ capabilities: '-all,+chown' });
    const held = (set: string) => BigInt(`0x${status(child, set)}`);
    assert.deepEqual([held('CapEff'), held('CapBnd')], [capability.chown, capability.chown]);
  });

  it('gets no further rights', async () => {
    assert.equal(status(await world().child({ no_new_privileges: '1' }), 'NoNewPrivs'), '1');
  });

  it('has soft and hard limits (prlimit)', async () => {
    const child = await world().child({
      rlimit_nofile: '100:200',
      rlimit_CORE: '0',
      rlimit_fsize: '1M',
      rlimit_cpu: '1h',
    });
    const limit = (name: string) =>
      new RegExp(`^Max ${name} +(\\S+) +(\\S+)`, 'm').exec(facts(child, 'limits'))?.slice(1);
    assert.deepEqual(
      [limit('open files'), limit('core file size'), limit('file size'), limit('cpu time')],
      [
        ['100', '200'],
        ['0', '0'],
        ['1048576', '1048576'],
        ['3600', '3600'],
      ],
    );
  });

  it('has the hard limit of the daemon where open files are unlimited', async () => {
    const own = /^Max open files +\S+ +(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    const child = await world().child({ rlimit_nofile: '' });
    assert.match(facts(child, 'limits'), new RegExp(`^Max open files +${own} +${own} `, 'm'));
  });

  it('has a nice value (nice)', async () => {
    const child = await world().child({ nice: '7' });
    assert.equal(facts(child, 'stat').split(') ')[1]?.split(' ')[16], '7');
  });

  it('has a class for disks (ionice)', async () => {
    assert.equal(
      output('ionice', '-p', String((await world().child({ ionice: 'best-effort 6' })).pid)),
      'best-effort: prio 6\n',
    );
  });

  it('has a scheduling policy (chrt), and keeps its nice value', async () => {
    const child = await world().child({ sched: 'batch', nice: '4' });
    const stat = facts(child, 'stat').split(') ')[1]!.split(' ');
    assert.deepEqual([stat[16], stat[38]], ['4', '3'], 'SCHED_BATCH is 3');
    const { pid } = await world().child({ sched: 'rr 10' }, { name: 'rr' });
    assert.match(output('chrt', '-p', String(pid)), /SCHED_RR[^]*priority: 10/);
  });

  it('runs on one processor (taskset)', async () => {
    assert.equal(status(await world().child({ cpu_affinity: '0' }), 'Cpus_allowed_list'), '0');
  });

  it('is pinned by its number among its fellows', async () => {
    const watcher = await world().start({ cpu_affinity: 'wid' }, { numprocesses: 3 });
    const own = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]!;
    const [first = 0, last = first] = own.split(/[-,]/).map(Number);
    assert.match(own, /^\d+(-\d+)?$/, 'processors in a row');
    for (const process of watcher.processes) {
      await settled(process);
      assert.equal(status(process, 'Cpus_allowed_list'), String(first + (process.wid % (last - first + 1))));
    }
  });

  it('has a score for when memory runs out (choom)', async () => {
    assert.equal(facts(await world().child({ oom_score_adj: '345' }), 'oom_score_adj').trim(), '345');
  });

  it('has a file mask (sh), and its words as they are', async () => {
    const child = await world().child({ umask: '0137' }, { cmd: 'sleep 600', args: ['0.5', '0'] });
    assert.equal(status(child, 'Umask'), '0137');
    assert.equal(facts(child, 'cmdline').split('\0').slice(1).join(' ').trim(), '600 0.5 0');
  });

  it('has all of it at once, and the chain can be seen in its spec', async () => {
    const options = {
      ...{ uid: 'nobody', umask: '027', rlimit_core: '0', nice: '2', ionice: 'idle', sched: 'idle', cpu_affinity: '0' },
      ...{ oom_score_adj: '9', capabilities: '+kill', no_new_privileges: '1' },
    };
    const child = await world().child(options);
    assert.deepEqual(
      child.spec.chain.map(([program]) => program!.replace(/^.*\//, '')),
      ['sh', 'prlimit', 'choom', 'ionice', 'chrt', 'nice', 'taskset', 'setpriv'],
    );
    assert.deepEqual([status(child, 'Umask'), status(child, 'NoNewPrivs')], ['0027', '1']);
    assert.equal(facts(child, 'comm'), 'sleep\n');
  });

  it('is replaced by one with the changed user, also while the reload is not through', async () => {
    const watcher = await world().start({ uid: 'nobody' }, { numprocesses: 2 });
    const seen: (string | undefined)[] = [];
    world().hooks.spawned.tap('test', ({ spec }) => void seen.push(spec.chain[0]?.[2]));
    const change = (spec: typeof watcher.spec) => ({ ...spec, options: { uid: 'daemon' } });
    await world().arbiter.reload(watcher, { change }).result;
    assert.deepEqual(seen, ['daemon', 'daemon']);
    const uid = output('id', '-u', 'daemon').trim();
    await eventually(() =>
      assert.deepEqual(
        watcher.processes.map((process) => status(process, 'Uid').split(' ')[0]),
        [uid, uid],
      ),
    );
  });
});
