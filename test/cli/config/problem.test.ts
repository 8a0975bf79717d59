import assert from 'node:assert/strict';
import { didYouMean, formatProblem, nearest } from '../../../cli/config/problem.js';

describe('config problem', () => {
  it('is shown as compilers do, so that editors can jump to it', () => {
    const problem = { severity: 'error', file: 'a.ini', line: 3, column: 7, message: 'is wrong' } as const;
    assert.equal(formatProblem(problem), 'a.ini:3:7: is wrong');
    const moving = { ...problem, message: '"\u001b[2J\u009b\u202e\u2028\n" is wrong' };
    assert.equal(formatProblem(moving), 'a.ini:3:7: "?[2J????" is wrong');
  });

  it('finds the name that was meant behind a slip of the fingers', () => {
    const names = ['numprocesses', 'working_dir', 'cmd', 'uid'];
    assert.equal(nearest('numproceses', names), 'numprocesses');
    assert.equal(nearest('workding_dir', names), 'working_dir');
    assert.equal(nearest('wokring_dir', names), 'working_dir');
    assert.equal(nearest('CMD', names), 'cmd');
    assert.equal(nearest('cdm', names), 'cmd');
  });

  it('offers nothing that is far from what was written', () => {
    assert.equal(nearest('user', ['uid', 'numprocesses']), undefined);
    assert.equal(nearest('x', ['y']), undefined);
    assert.equal(didYouMean('directory', ['cmd', 'args']), '');
    assert.equal(didYouMean('numproceses', ['numprocesses']), ' (did you mean "numprocesses"?)');
  });
});
