import assert from 'node:assert/strict';
import { isError, reasonOf, type Fault } from '#core';
import { Answers, questions } from '#plugins/controller/answers.js';

describe('what plugins answer', () => {
  let faults: Fault[];
  const report = (fault: Fault) => void faults.push(fault);
  beforeEach(() => void (faults = []));
  const web = { name: 'web' };

  it('is asked of each in turn, without those that have no answer or fail, until they are taken out', () => {
    const answers = new Answers<typeof web, readonly string[]>(questions.notes, report);
    answers.add(({ name }) => [name]);
    answers.add(() => undefined);
    answers.add(() => {
      throw new Error('broken');
    }, 'plugin x');
    const remove = answers.add(() => ['more']);
    assert.deepEqual(answers.about(web), [['web'], ['more']]);
    remove();
    assert.deepEqual(answers.about(web), [['web']]);
    assert.deepEqual(
      faults.map(({ plugin, hook, watcher, error }) => [plugin, hook, watcher, reasonOf(error)]),
      [1, 2].map(() => ['x', 'addNotes', 'web', 'broken']),
    );
  });

  it('is a fault when it is of another form', () => {
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    const wrong = [
      ['a list'],
      'a text',
      7,
      { facts: {} },
      { text: [] },
      { facts: [], text: [] },
      { facts: {}, text: 'a text' },
      { facts: {}, text: [1] },
      { facts: cyclic, text: [] },
    ];
    for (const answer of wrong) {
      const answers = new Answers<typeof web, unknown>(questions.explanation, report);
      answers.add(() => answer, 'plugin x');
      assert.deepEqual(answers.about(web), []);
      assert.ok(isError(faults.pop()?.error, 'ERR_PLUGIN_ANSWER'), JSON.stringify(typeof answer));
    }
    const answers = new Answers<typeof web, unknown>(questions.explanation, report);
    const right = { facts: { a: 1 }, text: ['One.'] };
    answers.add(() => right);
    assert.deepEqual(answers.about(web), [right]);
    assert.deepEqual(faults, []);
  });

  it('is a fault when it is a promise, and so is what that rejects with', async () => {
    const answers = new Answers<typeof web, unknown>(questions.explanation, report);
    answers.add(() => Promise.reject(new Error('later')), 'plugin x');
    assert.deepEqual(answers.about(web), []);
    await new Promise(setImmediate);
    assert.deepEqual(
      faults.map(({ error }) => reasonOf(error)),
      ['plugin "x" answered a promise to hook "addExplanation", which is not an answer; it is ignored', 'later'],
    );
  });

  it('needs a function', () => {
    for (const [name, question] of Object.entries(questions)) {
      const answers = new Answers<typeof web, unknown>(question, report);
      const message = `${question.called} takes a function, and the "by" of the context`;
      assert.throws(() => answers.add('x' as never), { name: 'TypeError', message }, name);
      assert.throws(() => answers.add(() => undefined, 7 as never), { name: 'TypeError', message }, name);
    }
  });
});
