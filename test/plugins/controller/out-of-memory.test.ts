import assert from 'node:assert/strict';
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { MemoryKills } from '#plugins/controller/out-of-memory.js';
import { eventually } from '../../support/eventually.js';
import { closeClients, connect } from '../client.js';
import { daemonPerTest } from '../daemon.js';

/** Makes a control group that may use 32 MiB; undefined where we may not. */
function smallGroup(): string | undefined {
  const kinds = [
    ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes'],
    ['/sys/fs/cgroup', 'memory.max'],
  ] as const;
  for (const [root, limit] of kinds) {
    const group = `${root}/circusd-test-${process.pid}`;
    try {
      mkdirSync(group);
      // Only where there is such a limit: other file systems would make a file of it.
      writeFileSync(`${group}/${limit}`, String(32 << 20), { flag: 'r+' });
      return group;
    } catch {
      // Not root, or the other version of control groups.
      removeGroup(group);
    }
  }
  return undefined;
}

function removeGroup(group: string): void {
  try {
    rmdirSync(group);
  } catch {
    // It was never made.
  }
}

describe('the kills for want of memory', () => {
  const files = new Map<string, string>();
  beforeEach(() => files.clear());
  const make = () => new MemoryKills((path) => files.get(path));
  const one = { pid: 11 };
  const other = { pid: 12 };

  const places = [
    ['cgroup v2', '0::/app\n', '/sys/fs/cgroup/app/memory.events', 'low 0\noom 9\noom_kill '],
    [
      'cgroup v1',
      '5:cpu,memory:/app\n0::/\n',
      '/sys/fs/cgroup/memory/app/memory.oom_control',
      'under_oom 0\noom_kill ',
    ],
    ['no control group of memory', '0::/\n', '/proc/vmstat', 'nr_free 5\noom_kill '],
  ] as const;
  for (const [name, groups, counter, text] of places) {
    it(`are counted with ${name}`, () => {
      files.set('/proc/11/cgroup', groups).set(counter, `${text}4\noom_group_kill 0\n`);
      const kills = make();
      kills.watch(one);
      assert.equal(kills.explains(one), false);
      files.set(counter, `${text}5\noom_group_kill 0\n`);
      assert.equal(kills.explains(one), true);
    });
  }

  it('explain one end each', () => {
    const counter = '/sys/fs/cgroup/app/memory.events';
    for (const { pid } of [one, other]) files.set(`/proc/${pid}/cgroup`, '0::/app\n');
    files.set(counter, 'oom_kill 4\n');
    const kills = make();
    kills.watch(one);
    kills.watch(other);
    files.set(counter, 'oom_kill 5\n');
    assert.deepEqual([kills.explains(one), kills.explains(other)], [true, false]);
    files.set(counter, 'oom_kill 6\n');
    assert.equal(kills.explains(other), true);
  });

  it('before a process began are none of its own', () => {
    files.set('/proc/11/cgroup', '0::/app\n').set('/sys/fs/cgroup/app/memory.events', 'oom_kill 4\n');
    const kills = make();
    assert.equal(kills.explains(one), false);
    kills.watch(one);
    assert.equal(kills.explains(one), false);
  });

  it('are not known where nothing can be read', () => {
    const kills = make();
    kills.watch(one);
    assert.equal(kills.explains(one), false);
  });
});

describe('a process that was killed for want of memory', () => {
  const start = daemonPerTest();
  closeClients();
  let group: string | undefined;
  before('make a control group', () => (group = smallGroup()));
  after('remove the control group', () => void (group !== undefined && removeGroup(group)));

  it('is told from one that somebody killed', async function () {
    if (group === undefined) return this.skip();
    const plugin = `
      import { writeFileSync } from 'node:fs';
      export default {
        name: 'groups',
        apply({ hooks }) {
          hooks.afterSpawn.tap('groups', (process) => void writeFileSync('${group}/cgroup.procs', String(process.pid)));
        },
      };`;
    const hungry = `const all = []; setInterval(() => all.push(Buffer.alloc(1 << 22, 1)), 5)`;
    const watcher = `[watcher:hungry]\ncmd = ${process.execPath} -e "${hungry}"\nrespawn = False\n`;
    const daemon = await start(`[plugin:groups]\nuse = ./groups.mjs\n${watcher}[watcher:calm]\ncmd = sleep 600\n`, {
      files: { 'groups.mjs': plugin },
    });
    const client = connect(daemon);
    const reasons = async (name: string) => {
      const { exits } = await client.ask('history', { name });
      return (exits as { readonly reason: string; readonly signal: string }[]).map(
        ({ reason, signal }) => `${reason} ${signal}`,
      );
    };
    await eventually(async () => assert.deepEqual(await reasons('hungry'), ['out of memory SIGKILL']), {
      within: 15_000,
    });
    const { pids } = await client.ask('list', { name: 'calm' });
    process.kill((pids as number[])[0]!, 'SIGKILL');
    await eventually(async () => assert.deepEqual(await reasons('calm'), ['crashed SIGKILL']));
  });
});
