import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, lchownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { handOver, userId } from '#plugins/controller/access.js';
import { identityOf, isOurFolder, preparePath, removeOwn } from '#plugins/controller/socket-file.js';
import { temporaryPerTest } from '../../support/temporary.js';

describe('the folder of a Unix socket', () => {
  const temporary = temporaryPerTest();
  const refused = (folder: string) =>
    assert.rejects(preparePath(`${folder}/socket`), {
      message: `others may put a socket of their own into "${folder}": it has to belong to this user or root, and be writable for nobody else`,
    });
  const folderOf = (mode: number, uid?: number) => {
    const path = `${temporary.path}/folder-${mode}-${uid}`;
    mkdirSync(path);
    chmodSync(path, mode);
    if (uid !== undefined) chownSync(path, uid, -1);
    return path;
  };

  it('is made, for its owner only', async () => {
    const umask = process.umask(0);
    try {
      await preparePath(`${temporary.path}/a/b/socket`);
    } finally {
      process.umask(umask);
    }
    assert.equal(statSync(`${temporary.path}/a/b`).mode & 0o777, 0o700);
  });

  it('may not be one that others can write to, unless what is there stays its owner’s', async () => {
    for (const mode of [0o777, 0o775, 0o757]) await refused(folderOf(mode));
    for (const mode of [0o1777, 0o755, 0o700]) await preparePath(`${folderOf(mode)}/socket`);
    assert.deepEqual(
      [isOurFolder('/tmp'), isOurFolder('/tmp', { sticky: true })],
      [(statSync('/tmp').mode & 0o022) === 0, true],
    );
  });

  it('may not be that of another user, nor led to by his link', async function () {
    if (process.getuid?.() !== 0) return this.skip();
    await refused(folderOf(0o700, 65534));
    await refused(folderOf(0o1777, 65534));
    const link = `${temporary.path}/link`;
    symlinkSync(folderOf(0o700), link);
    await preparePath(`${link}/socket`);
    lchownSync(link, 65534, -1);
    await refused(link);
  });

  it('may hold the socket of a daemon that is gone, and nothing else of that name', async () => {
    const path = `${temporary.path}/socket`;
    const server = createServer().listen(path);
    await new Promise((resolve) => server.once('listening', resolve));
    await assert.rejects(preparePath(path), { message: `another daemon listens on "${path}"` });
    await new Promise((resolve) => server.close(resolve));
    await preparePath(path);
    mkdirSync(path);
    await assert.rejects(preparePath(path), { message: `"${path}" exists and is not a socket` });
  });
});

describe('the file of a Unix socket', () => {
  const temporary = temporaryPerTest();
  const path = () => `${temporary.path}/socket`;

  it('is handed over if it is for its owner only', () => {
    writeFileSync(path(), '', { mode: 0o600 });
    handOver(path(), {});
    handOver(path(), { owner: String(process.getuid!()), group: String(process.getgid!()) });
    assert.throws(() => handOver(path(), { owner: 'nobdy' }), {
      message: 'there is no user "nobdy" (did you mean "nobody"?)',
    });
    assert.throws(() => handOver(path(), { group: 'none-at-all' }), { message: 'there is no group "none-at-all"' });
    assert.equal(statSync(path()).mode & 0o777, 0o600);
    handOver(path(), { mode: 0o660 });
    assert.equal(statSync(path()).mode & 0o777, 0o660);
    assert.throws(() => handOver(path(), {}), { message: `others may use "${path()}": its folder says so` });
  });

  it('is handed over to a user whom only a directory service knows', () => {
    writeFileSync(`${temporary.path}/getent`, '#!/bin/sh\n[ "$2" = ldapuser ] && echo "ldapuser:x:4321:4321::/:"\n', {
      mode: 0o755,
    });
    const { PATH } = process.env;
    process.env['PATH'] = `${temporary.path}:${PATH}`;
    try {
      assert.equal(userId('ldapuser'), 4321);
      assert.throws(() => userId('ldapusr'), { message: 'there is no user "ldapusr"' });
    } finally {
      process.env['PATH'] = PATH;
    }
  });

  it('is taken away by the one who made it, and by nobody else', () => {
    writeFileSync(path(), 'first');
    const first = identityOf(path());
    writeFileSync(`${path()}.second`, 'second');
    const second = identityOf(`${path()}.second`);
    removeOwn(path(), second);
    removeOwn(path(), undefined);
    assert.ok(existsSync(path()));
    removeOwn(path(), first);
    removeOwn(path(), first);
    assert.ok(!existsSync(path()));
  });
});
