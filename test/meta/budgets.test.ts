import assert from 'node:assert/strict';
import { codeLines, read, sourceFiles } from './source.js';

/** In lines of code. Raising one is a decision record (docs/decisions), not a diff. */
const budgets = { kernel: 3420, systemCalls: 710, file: 250, door: 60 };

const measured = ['core', 'plugins', 'cli', 'test']
  .flatMap(sourceFiles)
  .map((file) => ({ file, lines: codeLines(read(file)) }));

const sum = (files: typeof measured) => files.reduce((total, { lines }) => total + lines, 0);
const over = (files: typeof measured, budget: number) =>
  files.filter(({ lines }) => lines > budget).map(({ file, lines }) => `${file}: ${lines} of ${budget} lines`);

describe('the budgets', () => {
  const inKernel = measured.filter(({ file }) => file.startsWith('core/'));
  const calls = inKernel.filter(({ file }) => file.startsWith('core/posix/'));

  it(`the kernel has at most ${budgets.kernel} lines of policy (docs/decisions/0009)`, () => {
    const policy = inKernel.filter(({ file }) => !file.startsWith('core/posix/'));
    assert.ok(sum(policy) <= budgets.kernel, `${sum(policy)} lines`);
  });

  it(`the system calls have at most ${budgets.systemCalls} lines`, () => {
    assert.ok(sum(calls) <= budgets.systemCalls, `${sum(calls)} lines`);
  });

  it(`no file has more than ${budgets.file} lines`, () => {
    assert.equal(over(measured, budgets.file).join('\n'), '');
  });

  it(`the door of a plugin has at most ${budgets.door} lines`, () => {
    const doors = measured.filter(({ file }) => /^plugins\/[^/]+\/index\.ts$/.test(file));
    assert.equal(over(doors, budgets.door).join('\n'), '');
  });

  it('counts code, and neither comments nor blank lines', () => {
    const text = ['/** A', ' * comment */', '', 'const a = 1; // said', 'const b = `', 'two`;', '// end'].join('\n');
    assert.equal(codeLines(text), 3);
  });
});
