import assert from 'node:assert/strict';
import { protective } from '../../../cli/config/schema.js';
import { chainOf, flawsIn, rights, type Options } from '../../../plugins/limits/chain.js';
import { numbersIn, type Machine } from '../../../plugins/limits/machine.js';
import { machineWith } from './machine.js';

const shown = (options: Options, wid = 1, given: Partial<Machine> = {}) =>
  chainOf(options, wid, machineWith(given)).map((link) => link.join(' ').replace(/^\/bin\//, ''));

describe('the chain of a watcher', () => {
  const chains: readonly (readonly [string, Options, readonly string[]])[] = [
    ['nothing', { max_age: '5', 'flapping.window': '3' }, []],
    ['a user', { uid: 'www' }, ['setpriv --reuid www --regid 34 --init-groups']],
    ['a user by number', { uid: 33 }, ['setpriv --reuid www --regid 34 --init-groups']],
    ['a user and a group', { uid: 'www', gid: 'adm' }, ['setpriv --reuid www --regid 4 --init-groups']],
    ['a number without a user', { uid: '7000', gid: '70' }, ['setpriv --reuid 7000 --regid 70 --clear-groups']],
    ['a group alone', { gid: 'adm' }, ['setpriv --regid 4 --keep-groups']],
    ['groups', { uid: 'www', groups: 'adm, 7' }, ['setpriv --reuid www --regid 34 --groups adm,7']],
    ['no groups', { uid: 'www', groups: '' }, ['setpriv --reuid www --regid 34 --clear-groups']],
    ['root, who changes nothing', { uid: 'root' }, []],
    ['root with a group', { uid: '0', gid: '4' }, ['setpriv --reuid root --regid 4 --init-groups']],
    ['what was unset', { uid: null, gid: null, nice: null }, []],
    ['a mask', { umask: '27' }, ['sh -c umask 0027; exec "$@" sh']],
    ['a limit', { rlimit_NOFILE: '100' }, ['prlimit --nofile=100']],
    [
      'limits',
      { rlimit_nofile: '100:200', rlimit_core: 0, rlimit_as: '1G', rlimit_cpu: '5m' },
      ['prlimit --nofile=100:200 --core=0 --as=1073741824 --cpu=300'],
    ],
    [
      'no limit',
      { rlimit_core: null, rlimit_as: '', rlimit_data: -1, rlimit_cpu: 'INFINITY', rlimit_rss: '5:unlimited' },
      ['prlimit --core=unlimited --as=unlimited --data=unlimited --cpu=unlimited --rss=5:unlimited'],
    ],
    ['no limit of open files', { rlimit_nofile: 'unlimited' }, ['prlimit --nofile=4096']],
    ['a nice value', { nice: '5' }, ['nice -n 5']],
    ['a class for disks', { ionice: 'idle' }, ['ionice -c idle']],
    ['a level for disks', { ionice: 'best-effort' }, ['ionice -c best-effort -n 4']],
    ['the highest level', { ionice: 'realtime 0' }, ['ionice -c realtime -n 0']],
    ['a policy', { sched: 'batch' }, ['chrt --batch 0']],
    ['a policy with a priority', { sched: 'FIFO 10' }, ['chrt --fifo 10']],
    ['processors', { cpu_affinity: '0-1, 3' }, ['taskset -c 0-1,3']],
    ['a score', { oom_score_adj: '-500' }, ['choom -n -500 --']],
    [
      'a capability that is given',
      { capabilities: '+CAP_net_bind_service' },
      ['setpriv --inh-caps +net_bind_service --ambient-caps +net_bind_service'],
    ],
    [
      'capabilities that are taken',
      { capabilities: '-all +chown' },
      ['setpriv --inh-caps -all,+chown --ambient-caps -all,+chown --bounding-set -all,+chown'],
    ],
    ['no further rights', { no_new_privileges: 'yes' }, ['setpriv --no-new-privs']],
    ['further rights', { no_new_privileges: '0' }, []],
  ];
  for (const [what, options, links] of chains)
    it(`has links for ${what}`, () => assert.deepEqual(shown(options), links));

  it('has one link for each program, and the one that gives rights up comes last', () => {
    const options = {
      ...{ no_new_privileges: '1', uid: 'www', capabilities: '+kill', cpu_affinity: '1', nice: '3', sched: 'idle' },
      ...{ ionice: 'idle', oom_score_adj: '7', rlimit_core: '0', rlimit_nproc: '9', umask: '022' },
    };
    const programs = shown(options).map((link) => link.split(' ')[0]);
    assert.deepEqual(programs, ['sh', 'prlimit', 'choom', 'ionice', 'chrt', 'nice', 'taskset', 'setpriv']);
    assert.equal(
      shown(options).at(-1),
      'setpriv --reuid www --regid 34 --init-groups --inh-caps +kill --ambient-caps +kill --no-new-privs',
    );
  });

  it('pins worker N to processor N, and goes round where there are more workers', () => {
    const pins = (ownCpus: readonly number[]) =>
      [1, 2, 3, 4, 5].map((wid) => shown({ cpu_affinity: 'wid' }, wid, { ownCpus })[0]!.replace('taskset -c ', ''));
    assert.deepEqual(pins([0, 1, 2, 3]), ['1', '2', '3', '0', '1']);
    assert.deepEqual(pins([4, 6]), ['6', '4', '6', '4', '6']);
  });

  it('sets a nice value and does not add it to that of the daemon', () => {
    assert.deepEqual(shown({ nice: '5' }, 1, { nice: 7 }), ['nice -n -2']);
  });

  it('says so when the daemon may not give a nice value, as the program would go on without', () => {
    const machine = machineWith({ leastNice: 0 });
    assert.throws(() => chainOf({ nice: '-1' }, 1, machine), /"nice" is -1, and circusd may give 0 at the lowest/);
    assert.deepEqual(flawsIn({ nice: '-1' }, machine), [], 'another user may check the file');
  });

  it('needs no link for the user who the daemon is', () => {
    const own = { uid: 33, gid: 34 };
    assert.deepEqual(shown({ uid: 'www' }, 1, own), []);
    assert.deepEqual(shown({ uid: 'www', gid: 'adm' }, 1, own), ['setpriv --reuid www --regid 4 --init-groups']);
  });
});

describe('what is wrong with the options of a watcher', () => {
  const flaws: readonly (readonly [Options, string, RegExp])[] = [
    [{ uid: 'wwx' }, 'uid', /^must be a user of this machine, and is "wwx" \(did you mean "www"\?\)$/],
    [{ uid: '' }, 'uid', /^must be a user .*and is ""/],
    [{ uid: '7000' }, 'uid', /without a user of this machine, so it takes a "gid" too$/],
    [{ uid: '4294967295' }, 'uid', /a number from 0 to 4294967294/],
    [{ uid: '-1' }, 'uid', /^must be a user/],
    [{ gid: 'amd' }, 'gid', /^must be a group of this machine, and is "amd" \(did you mean "adm"\?\)$/],
    [{ gid: '4294967295' }, 'gid', /^must be a group/],
    [{ groups: 'adm,nope' }, 'groups', /^must be a group of this machine, and is "nope"$/],
    [{ umask: '8' }, 'umask', /^must be octal digits such as 022, and is "8"$/],
    [{ umask: '1000' }, 'umask', /octal/],
    [{ rlimit_nofil: '8' }, 'rlimit_nofil', /^names no limit \(did you mean "rlimit_nofile"\?\)$/],
    [
      { rlimit_core: 'many' },
      'rlimit_core',
      /^must be a whole number, a size such as 512M, or unlimited, and is "many"$/,
    ],
    [{ rlimit_core: '-2' }, 'rlimit_core', /^must be a whole number/],
    [{ rlimit_cpu: '0.5s' }, 'rlimit_cpu', /^must be seconds, or unlimited/],
    [{ rlimit_core: '1:2:3' }, 'rlimit_core', /a soft and a hard one with a colon between/],
    [{ rlimit_core: '3:2' }, 'rlimit_core', /^must be a soft limit that is not above the hard one, and is "3:2"$/],
    [{ rlimit_core: 'unlimited:2' }, 'rlimit_core', /not above the hard one/],
    [{ nice: '20' }, 'nice', /^must be a whole number from -20 to 19, and is "20"$/],
    [{ nice: '' }, 'nice', /whole number/],
    [{ ionice: 'idle 3' }, 'ionice', /^must be one of idle, best-effort N, realtime N, and is "idle 3"$/],
    [{ ionice: 'best-efort 3' }, 'ionice', /did you mean "best-effort"\?/],
    [{ ionice: 'realtime 8' }, 'ionice', /^must be a whole number from 0 to 7, and is "8"$/],
    [{ sched: 'fifo' }, 'sched', /^must be a whole number from 1 to 99, and is ""$/],
    [{ sched: 'constructor' }, 'sched', /^must be one of other, batch, idle, fifo N, rr N/],
    [{ cpu_affinity: '0-4' }, 'cpu_affinity', /^names processor 4, and this machine has 0-3$/],
    [{ cpu_affinity: '3-1' }, 'cpu_affinity', /^must be processors such as 0-3,5, or wid, and is "3-1"$/],
    [{ cpu_affinity: '' }, 'cpu_affinity', /^must be processors/],
    [{ oom_score_adj: '1001' }, 'oom_score_adj', /^must be a whole number from -1000 to 1000/],
    [{ capabilities: 'chown' }, 'capabilities', /^must be capabilities with \+ or - before each, and is "chown"$/],
    [{ capabilities: '+chwon' }, 'capabilities', /did you mean "chown"\?/],
    [{ no_new_privileges: 'perhaps' }, 'no_new_privileges', /^must be true or false, and is "perhaps"$/],
  ];
  for (const [options, key, message] of flaws) {
    it(`is told at its key: ${JSON.stringify(options)}`, () => {
      const found = flawsIn(options, machineWith());
      assert.deepEqual(
        found.map((flaw) => flaw.key),
        [key],
      );
      assert.match(found[0]!.message, message);
      assert.throws(() => chainOf(options, 1, machineWith()), new RegExp(`^Error: "${key}" `));
    });
  }

  it('is told of each key', () => {
    const options = { uid: 'a', gid: 'b', rlimit_x: '', rlimit_core: 'c', sched: 'd' };
    const keys = flawsIn(options, machineWith()).map(({ key }) => key);
    assert.deepEqual(keys.sort(), Object.keys(options).sort());
  });

  const tools: readonly (readonly [string, string, string, string])[] = [
    ['setpriv', 'uid', 'www', 'util-linux'],
    ['setpriv', 'no_new_privileges', '1', 'util-linux'],
    ['prlimit', 'rlimit_core', '0', 'util-linux'],
    ['nice', 'nice', '5', 'coreutils'],
    ['ionice', 'ionice', 'idle', 'util-linux'],
    ['chrt', 'sched', 'idle', 'util-linux'],
    ['taskset', 'cpu_affinity', '0', 'util-linux'],
    ['choom', 'oom_score_adj', '5', 'util-linux'],
    ['sh', 'umask', '022', 'dash'],
  ];
  for (const [tool, key, value, from] of tools) {
    it(`is a program that is not there: ${tool} for ${key}`, () => {
      const without = machineWith({ program: (name) => (name === tool ? undefined : `/bin/${name}`) });
      assert.deepEqual(flawsIn({ [key]: value }, without), [
        { key, message: `needs the program "${tool}" (package ${from}), which is not in the PATH of circusd` },
      ]);
      const others = { nice: '5', sched: 'idle' };
      assert.equal(flawsIn({ max_age: '3' }, without).length, 0);
      if (!(key in others)) assert.equal(flawsIn(others, without).length, 0, 'only what is needed is looked for');
    });
  }
});

it('the keys that take rights away are those without whose plugin nothing is started', () => {
  assert.deepEqual([...protective], rights);
});

it('a list of processors is read as Linux writes it', () => {
  assert.deepEqual([numbersIn('0-2,5\n'), numbersIn(''), numbersIn('7')], [[0, 1, 2, 5], [], [7]]);
});
