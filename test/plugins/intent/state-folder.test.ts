import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { Decisions } from '#plugins/intent/decisions.js';
import { stateDirectory } from '#plugins/intent/place.js';
import { StateFolder } from '#plugins/intent/state-folder.js';
import { temporaryPerTest } from '../../support/temporary.js';

const as = (value: unknown) => value as Readonly<Record<string, unknown>>;

describe('the folder of the state', () => {
  const temporary = temporaryPerTest();
  let warnings: string[];
  beforeEach(() => {
    warnings = [];
  });
  const open = (path = join(temporary.path, 'a', 'b')) =>
    new StateFolder(path, { warn: (line) => void warnings.push(line) });

  it('is made when something is written, for its user alone, and can be read again', async () => {
    const folder = open();
    assert.deepEqual(readdirSync(temporary.path), []);
    assert.equal(folder.read('x.json', as), undefined);
    await folder.write('x.json', { a: 1 });
    await folder.close();
    assert.deepEqual(readdirSync(folder.path), ['x.json']);
    assert.deepEqual(
      [statSync(folder.path).mode & 0o777, statSync(join(folder.path, 'x.json')).mode & 0o777],
      [0o700, 0o600],
    );
    assert.deepEqual(open(folder.path).read('x.json', as), { a: 1 });
    assert.deepEqual(warnings, []);
  });

  it('has the last of many that are written at once', async () => {
    const folder = open();
    const writing = [1, 2, 3].map((a) => folder.write('x.json', { a }));
    // Before it is there, too.
    assert.deepEqual(folder.read('x.json', as), { a: 3 });
    await writing[0];
    assert.deepEqual(folder.read('x.json', as), { a: 3 });
    await Promise.all(writing);
    assert.deepEqual(folder.read('x.json', as), { a: 3 });
    assert.equal(readFileSync(join(folder.path, 'x.json'), 'utf8'), '{"a":3}');
    await folder.close();
  });

  it('puts what is broken aside, and says so', async () => {
    const folder = open();
    await folder.write('intent.json', {});
    for (const text of ['{"version":1,', '{"version":1}', '[]', '']) {
      writeFileSync(join(folder.path, 'intent.json'), text);
      assert.equal(new Decisions(folder).about('disabled', 'web'), undefined);
      assert.equal(readFileSync(join(folder.path, 'intent.json.broken'), 'utf8'), text);
    }
    assert.equal(warnings.length, 4);
    assert.match(
      warnings[0]!,
      /intent\.json can't be used: .*; what it held does not hold any more, and is kept in .*\.broken$/,
    );
    await folder.close();
  });

  it('holds what can be understood, entry by entry and in whatever version', async () => {
    const folder = open();
    await folder.write('intent.json', {});
    const file = join(folder.path, 'intent.json');
    const entries = [
      { name: 'web', at: 'noon' },
      { by: 'me' },
      7,
      { name: 'Spare', by: 'me', reason: 'disk', extra: 1 },
    ];
    for (const [value, flaws] of [
      [{ version: 1, disabled: entries, rolled_back: [] }, 2],
      [{ disabled: entries }, 3],
      [{ version: 2, disabled: entries, rolled_back: {} }, 4],
      [{ version: 2 }, 3],
    ] as const) {
      warnings = [];
      const text = JSON.stringify(value);
      writeFileSync(file, text);
      const decisions = new Decisions(open(folder.path));
      const { by, reason } = decisions.about('disabled', 'spare') ?? {};
      if ('disabled' in value) {
        assert.equal(decisions.about('disabled', 'web')?.by, 'somebody');
        assert.deepEqual([by, reason], ['me', 'disk']);
      }
      assert.deepEqual([warnings.length, readFileSync(file, 'utf8')], [flaws, text], warnings.join('\n'));
      for (const line of warnings) assert.ok(line.startsWith(`${file}: `), line);
    }
    await folder.close();
    assert.deepEqual(readdirSync(folder.path), ['intent.json']);
  });

  it('keeps in memory what can’t be written, and says so once', async () => {
    const file = temporary.write('file', '');
    const folder = open(join(file, 'below'));
    await folder.write('x.json', { a: 1 });
    await folder.write('x.json', { a: 2 });
    assert.deepEqual(folder.read('x.json', as), { a: 2 });
    assert.match(folder.trouble!, /ENOTDIR/);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /^nothing can be kept in .*ENOTDIR.*; what is disabled, .*is known until circusd ends$/);
    await folder.close();
  });

  it('is not used when others may write there', async () => {
    const path = join(temporary.path, 'open');
    for (const spoil of [() => chmodSync(path, 0o770), () => chownSync(path, 65534, 65534)]) {
      warnings = [];
      mkdirSync(path, { recursive: true, mode: 0o700 });
      writeFileSync(join(path, 'x.json'), '{"a":1}');
      chmodSync(path, 0o700);
      spoil();
      const folder = open(path);
      assert.equal(folder.read('x.json', as), undefined);
      await folder.write('x.json', { a: 2 });
      await folder.close();
      assert.match(warnings.join(), /^nothing can be kept in [^,]*: others may write there;[^,]*, and which/);
      assert.equal(readFileSync(join(path, 'x.json'), 'utf8'), '{"a":1}');
    }
  });

  it('is not used when it is a link, or others may write above it', async () => {
    const path = join(temporary.path, 'above', 'x');
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const link = join(temporary.path, 'link');
    symlinkSync(path, link);
    chmodSync(join(temporary.path, 'above'), 0o777);
    for (const [place, flaw] of [
      [link, 'it is no folder of its own'],
      [path, `others may write to ${join(temporary.path, 'above')}`],
    ] as const) {
      warnings = [];
      const folder = open(place);
      await folder.write('x.json', { a: 1 });
      await folder.close();
      assert.equal(folder.trouble, flaw);
      assert.deepEqual(readdirSync(path), []);
    }
    // There, nobody can rename what is another's.
    chmodSync(join(temporary.path, 'above'), 0o1777);
    const folder = open(path);
    await folder.write('x.json', { a: 1 });
    await folder.close();
    assert.deepEqual(readdirSync(path), ['x.json']);
  });

  it('writes through no link that waits in the place of a draft', async () => {
    const other = temporary.write('other', 'kept');
    const folder = open();
    mkdirSync(folder.path, { recursive: true, mode: 0o700 });
    chmodSync(join(temporary.path, 'a'), 0o700);
    symlinkSync(other, join(folder.path, 'x.json.new'));
    symlinkSync(other, join(folder.path, 'daemon'));
    await folder.write('x.json', { a: 1 });
    await folder.close();
    assert.equal(readFileSync(other, 'utf8'), 'kept');
    assert.deepEqual(readdirSync(folder.path), ['x.json']);
  });

  it('has one daemon that writes to it: the next one only after its end', async () => {
    const folder = open();
    await folder.write('x.json', { a: 1 });
    const holder = join(folder.path, 'daemon');
    const own = readFileSync(holder, 'utf8');
    const start = readFileSync(`/proc/${process.ppid}/stat`, 'latin1').split(') ').at(-1)!.split(' ')[19];
    writeFileSync(holder, `${process.ppid} ${start}\n`);
    const second = open(folder.path);
    await second.write('x.json', { a: 2 });
    assert.match(warnings.join(), new RegExp(`the daemon with the process id ${process.ppid} writes there`));
    assert.deepEqual(folder.read('x.json', as), { a: 1 });
    // The number is another process's by now.
    writeFileSync(holder, `${process.ppid} 1\n`);
    const third = open(folder.path);
    assert.equal(readFileSync(holder, 'utf8'), own);
    await third.close();
    assert.deepEqual(readdirSync(folder.path), ['x.json']);
  });
});

describe('the place of the state', () => {
  const temporary = temporaryPerTest();
  const where = (environment: NodeJS.ProcessEnv, uid: number, said?: string, file = join(temporary.path, 'web.ini')) =>
    stateDirectory(said, file, environment, uid);

  it('depends on the user, and on what the file or the environment says', () => {
    const name = basename(where({}, 0));
    assert.match(name, /^web-[0-9a-f]{8}$/);
    assert.equal(where({}, 0), `/var/lib/circusd/${name}`);
    assert.equal(where({ XDG_STATE_HOME: '/x' }, 1000), `/x/circusd/${name}`);
    assert.match(where({ XDG_STATE_HOME: 'relative' }, 1000), new RegExp(`/\\.local/state/circusd/${name}$`));
    assert.equal(where({ STATE_DIRECTORY: '/var/lib/a:/var/lib/b' }, 0), `/var/lib/a/${name}`);
    assert.equal(where({ STATE_DIRECTORY: '/var/lib/a', CIRCUSD_STATE_DIR: '/own' }, 0), `/own/${name}`);
    assert.equal(where({ CIRCUSD_STATE_DIR: '/own' }, 0, 'here'), join(temporary.path, 'here', name));
  });

  it('is another one for each file, and the same by a link', () => {
    const file = temporary.write('a/circus.ini', '');
    const other = temporary.write('b/circus.ini', '');
    symlinkSync(file, join(temporary.path, 'link.ini'));
    assert.notEqual(where({}, 0, undefined, file), where({}, 0, undefined, other));
    assert.equal(where({}, 0, undefined, join(temporary.path, 'link.ini')), where({}, 0, undefined, file));
  });
});
