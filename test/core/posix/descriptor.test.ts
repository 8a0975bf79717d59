import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import * as descriptor from '../../../core/posix/descriptor.js';
import { libc } from '../../../core/posix/libc.js';
import { assertNothingLeft, watchLeftovers } from '../../support/leftovers.js';
import { builtKernel } from '../built.js';
import { fixture } from '../../support/paths.js';

const run = promisify(execFile);
const F_GETFD = 1;
const F_SETFD = 2;
const isCloseOnExec = (fd: number) => (libc().fcntl(fd, F_GETFD, 0) & 1) === 1;

describe('descriptors', () => {
  beforeEach(() => void watchLeftovers());
  afterEach(() => assertNothingLeft());

  it('of a pipe carry bytes, and are not inherited', () => {
    const { read, write } = descriptor.pipe();
    writeSync(write, 'hello');
    const bytes = Buffer.alloc(5);
    readSync(read, bytes);
    assert.equal(bytes.toString(), 'hello');
    assert.ok(isCloseOnExec(read) && isCloseOnExec(write));
    descriptor.close(read);
    descriptor.close(write);
    assert.ok(!descriptor.isOpen(read) && !descriptor.isOpen(write));
    descriptor.close(write);
  });

  it('are parked at 64 or higher, and duplicated, close-on-exec both times', () => {
    const parked = descriptor.park(openSync('/dev/null', 'r'));
    const other = descriptor.duplicate(parked);
    assert.ok(parked >= descriptor.parkingFloor && other !== parked);
    assert.ok(isCloseOnExec(parked) && isCloseOnExec(other));
    closeSync(parked);
    closeSync(other);
    assert.throws(() => descriptor.park(-1), { code: 'ERR_SYSTEM_CALL', message: 'fcntl: Bad file descriptor' });
  });

  it('that somebody left inheritable are sealed', () => {
    const fd = openSync('/dev/null', 'r');
    libc().fcntl(fd, F_SETFD, 0);
    assert.ok(!isCloseOnExec(fd));
    descriptor.sealDescriptors();
    assert.ok(isCloseOnExec(fd));
    closeSync(fd);
  });

  it('block or not as their open file is told', () => {
    const { read, write } = descriptor.pipe();
    descriptor.setBlocking(read, false);
    assert.throws(() => readSync(read, Buffer.alloc(1)), { code: 'EAGAIN' });
    descriptor.setBlocking(read, true);
    writeSync(write, 'x');
    assert.equal(readSync(read, Buffer.alloc(1)), 1);
    closeSync(read);
    closeSync(write);
  });
});

describe('the limit on descriptors', () => {
  const program = `node ${fixture('under-limit.mjs')} ${builtKernel}`;
  const under = async (limit: string, count: number) =>
    (await run('sh', ['-c', `${limit}; ${program} ${count}; :`])).stdout.trim().split('\n');

  it('of a child is the one that circusd was started with, not the one that Node gave itself', async () => {
    const [child, own] = await under('ulimit -Sn 300', 0);
    const hard = child!.split(' ')[2];
    assert.equal(child, `child 300 ${hard}`);
    assert.equal(own, `own ${hard}`);
  });

  it('of a child does not keep it from being started when more than that are open', async () => {
    const [child] = await under('ulimit -Sn 300', 400);
    assert.match(child!, /^child 300 /);
  });

  it('is left alone where it is the hard one', async () => {
    assert.deepEqual(await under('ulimit -n 400', 0), ['child 400 400', 'own 400']);
  });
});
