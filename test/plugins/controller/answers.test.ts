import assert from 'node:assert/strict';
import { Answers } from '#plugins/controller/answers.js';

describe('what plugins answer', () => {
  it('is asked of each in turn, without those that have no answer or fail, until they are taken out', () => {
    const answers = new Answers<string, number>();
    answers.add(({ length }) => length);
    answers.add(() => undefined);
    answers.add(() => {
      throw new Error('broken');
    });
    const remove = answers.add(() => 0);
    assert.deepEqual(answers.about('four'), [4, 0]);
    remove();
    assert.deepEqual(answers.about('four'), [4]);
  });
});
