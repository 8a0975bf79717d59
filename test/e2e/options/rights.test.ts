import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { eventually } from '../../support/eventually.js';
import { subjectPerTest } from './subject.js';

describe('options about rights and limits, on a real child', () => {
  const start = subjectPerTest();
  before('be root', () => {
    assert.equal(process.getuid?.(), 0, 'these tests change users, so they need root');
  });
  const idOf = (file: string, name: string) =>
    new RegExp(`^${name}:[^:]*:(\\d+)`, 'm').exec(readFileSync(file, 'utf8'))![1]!;
  const [nobody, nogroup, daemon] = [
    idOf('/etc/passwd', 'nobody'),
    idOf('/etc/group', 'nogroup'),
    idOf('/etc/group', 'daemon'),
  ];
  const ids = (id: string) => [id, id, id, id];

  it('uid: is the user, with his group', async () => {
    const child = await (await start('cmd = sleep 600\nuid = nobody')).child();
    assert.deepEqual([child.status('Uid'), child.status('Gid')], [ids(nobody), ids(nogroup)]);
  });

  it('uid: may be a number, and root changes nothing', async () => {
    const child = await (await start(`cmd = sleep 600\nuid = ${nobody}`)).child();
    assert.deepEqual(child.status('Uid'), ids(nobody));
    const subject = await start('cmd = sleep 600\nuid = 0');
    assert.deepEqual((await subject.child()).status('Uid'), ids('0'));
    assert.deepEqual(
      ((await subject.daemon.json('explain', 'w')) as { processes: { chain: unknown }[] }).processes[0]!.chain,
      [],
    );
  });

  it('gid: is the group, with a user and without', async () => {
    const child = await (await start('cmd = sleep 600\nuid = nobody\ngid = daemon')).child();
    assert.deepEqual([child.status('Uid'), child.status('Gid')], [ids(nobody), ids(daemon)]);
    const other = await (await start(`cmd = sleep 600\ngid = ${daemon}`)).child();
    assert.deepEqual([other.status('Uid'), other.status('Gid')], [ids('0'), ids(daemon)]);
  });

  it('umask: is the file mask', async () => {
    const child = await (await start('cmd = sleep 600\numask = 027')).child();
    assert.deepEqual(child.status('Umask'), ['0027']);
  });

  const limits = [
    'nofile 77 files',
    'core 0 bytes',
    'NPROC 5000 processes',
    'fsize 1048576 bytes',
    'stack 4194304 bytes',
  ];
  it('rlimit_*: sets the soft and the hard limit, whatever the case of its name', async () => {
    const options = limits.map((line) => line.split(' ')).map(([name, value]) => `rlimit_${name} = ${value}`);
    const child = await (await start(['cmd = sleep 600', ...options].join('\n'))).child();
    const names = ['open files', 'core file size', 'processes', 'file size', 'stack size'];
    for (const [at, line] of limits.entries()) {
      const [, value, unit] = line.split(' ');
      assert.match(child.text('limits'), new RegExp(`^Max ${names[at]} +${value} +${value} +${unit}`, 'm'));
    }
  });

  it('rlimit_*: may be without a limit', async () => {
    const child = await (await start('cmd = sleep 600\nrlimit_core =')).child();
    assert.match(child.text('limits'), /^Max core file size +unlimited +unlimited/m);
  });

  it('rlimit_cpu: is in seconds, and ends what takes more', async () => {
    const subject = await start('cmd = sh -c "while :; do :; done"\nrlimit_cpu = 1\nrespawn = False');
    await eventually(async () => assert.match((await subject.ends())[0]?.signal ?? '', /^SIG(XCPU|KILL)$/), {
      within: 12_000,
    });
  });
});
