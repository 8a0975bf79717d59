import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { formatProblem } from '../../../cli/config/problem.js';
import { readFiles } from '../../../cli/config/read.js';
import { asRead } from '../../../cli/config/sections.js';
import { temporaryPerTest } from '../../support/temporary.js';

describe('config files', () => {
  const folder = temporaryPerTest();
  const { write } = folder;
  const read = (path: string, environment = {}) => {
    const written = readFiles(path, environment);
    const problems = written.problems.map((problem) => formatProblem(problem).replaceAll(`${folder.path}/`, ''));
    return { ...asRead(written), problems, files: written.files.map((file) => file.replace(`${folder.path}/`, '')) };
  };

  it('are merged in the order of include, then include_dir; the first definition counts', () => {
    const main = write('main.ini', '[circus]\ninclude_dir = d\ninclude = x.ini\n  y*.ini\n[w]\na = main');
    write('x.ini', '[w]\na = x\nb = x');
    write('y2.ini', '[w]\nb = y\nc = y2');
    write('y1.ini', '[w]\nc = y1');
    write('d/z.ini', '[w]\nc = z\nd = z\n[v]\ne = 1');
    write('d/z.txt', '[w]\nf = 1');
    const { sections, files, problems } = read(main);
    assert.deepEqual(sections.w, { a: 'main', b: 'x', c: 'y1', d: 'z' });
    assert.deepEqual(sections.v, { e: '1' });
    assert.deepEqual(files, ['main.ini', 'x.ini', 'y1.ini', 'y2.ini', 'd/z.ini']);
    assert.deepEqual(problems, []);
  });

  it('are named with variables of the environment', () => {
    const main = write('main.ini', '[circus]\ninclude = $(circus.env.STAGE).ini');
    write('live.ini', '[w]\na = 1');
    assert.deepEqual(read(main, { STAGE: 'live' }).sections.w, { a: '1' });
  });

  it('do not get the further lines of a definition that another file overrides', () => {
    const main = write('main.ini', '[circus]\ninclude = x.ini\n[w]\na = main');
    write('x.ini', '[w]\na = x\n  y');
    assert.deepEqual(read(main).sections.w, { a: 'main' });
  });

  it('are looked for beside the main file, whatever the working directory', () => {
    const main = write('deep/main.ini', '[circus]\ninclude = ../x.ini');
    write('x.ini', '[w]\na = 1');
    assert.deepEqual(read(main).sections.w, { a: '1' });
  });

  it('make a warning when a pattern matches none', () => {
    const main = write('main.ini', '[circus]\ninclude = nothing/*.ini');
    const message = '"nothing/*.ini" matches no file (paths are relative to the folder of main.ini)';
    assert.deepEqual(read(main).problems, [`main.ini:2:11: ${message}`]);
  });

  it('make an error where the main file is missing', () => {
    assert.deepEqual(read(join(folder.path, 'no.ini')).problems, [
      'no.ini:1:1: the configuration file "no.ini" does not exist',
    ]);
  });

  it('make an error where a directory is named in place of a file', () => {
    const main = write('main.ini', '[circus]\ninclude = d');
    write('d/x.ini', '');
    assert.deepEqual(read(main).problems, ['main.ini:2:11: the included file "d" is a directory, not a file']);
  });

  it('make an error where a file includes itself, but not where a pattern matches it', () => {
    assert.deepEqual(read(write('main.ini', '[circus]\ninclude = main.ini')).problems, [
      'main.ini:2:11: "main.ini" is the file that includes it',
    ]);
    assert.deepEqual(read(write('main.ini', '[circus]\ninclude = *.ini')).problems, []);
  });

  it('are read once, by whatever name', () => {
    const main = write('main.ini', '[circus]\ninclude = x.ini y.ini x.ini');
    write('x.ini', '[w]\na = 1\na = 2');
    symlinkSync(join(folder.path, 'x.ini'), join(folder.path, 'y.ini'));
    assert.equal(read(main).problems.length, 1);
  });

  it('make a warning where two of them describe the same thing, but not where the main file overrides them', () => {
    const main = write('main.ini', '[circus]\ninclude = x.ini y.ini\n[watcher:v]\ncmd = main');
    write('x.ini', '[watcher:w]\ncmd = x\nuid = x\n[watcher:v]\ncmd = x');
    write('y.ini', '[watcher:w]\nnice = 1\ncmd = y\nuid = y\n[watcher:v]\nnice = 1');
    const { problems, sections } = read(main);
    assert.deepEqual(sections['watcher:w'], { cmd: 'x', uid: 'x', nice: '1' });
    assert.deepEqual(problems, [
      'y.ini:3:1: [watcher:w] is written in two included files: "cmd" of x.ini:2 counts, so this one is ignored',
    ]);
  });

  it('make a warning where an included file includes others', () => {
    const main = write('main.ini', '[circus]\ninclude = x.ini');
    write('x.ini', '[circus]\ninclude = y.ini');
    write('y.ini', '[w]\na = 1');
    const { problems, sections } = read(main);
    assert.equal(sections.w, undefined);
    assert.deepEqual(problems, [
      'x.ini:2:11: "include" in an included file is not followed: name the files in the main file',
    ]);
  });

  it('make an error at the first byte that is not UTF-8, and are not used then', () => {
    const main = write('main.ini', '[circus]\ninclude = x.ini\n[w]\na = 1');
    write('x.ini', Buffer.from('[w]\r\nb = \xe4', 'latin1'));
    const { problems, sections } = read(main);
    assert.deepEqual(sections.w, { a: '1' });
    assert.deepEqual(problems, [
      'x.ini:2:5: the included file "x.ini" is not UTF-8 text from here on, so nothing of it is used',
    ]);
  });
});
