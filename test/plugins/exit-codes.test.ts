import assert from 'node:assert/strict';
import { endedWell, isAmong, readEndings } from '#plugins/exit-codes.js';

const code = (code: number) => ({ code, signal: null });
const signal = (signal: number) => ({ code: null, signal });
const refusal = (value: unknown): string => {
  try {
    readEndings(value);
    return 'none';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('a list of ways to end', () => {
  it('has exit codes and signals, as a text or an array', () => {
    for (const value of ['0, 3 SIGTERM,hup', ['0', 3, 'SIGTERM', 'HUP'], [0, '3 TERM', 'sighup']]) {
      const { codes, signals } = readEndings(value);
      assert.deepEqual(
        [[...codes], [...signals]],
        [
          [0, 3],
          [15, 1],
        ],
      );
    }
    for (const value of [undefined, null, '', []]) assert.equal(readEndings(value).codes.size, 0);
    assert.deepEqual([...readEndings(255).codes], [255]);
  });

  it('tells an exit code from the signal of the same number', () => {
    const endings = readEndings('9 SIGTERM');
    const known = [code(9), signal(9), code(15), signal(15), { code: null, signal: null }];
    assert.deepEqual(
      known.map((exit) => isAmong(endings, exit)),
      [true, false, false, true, false],
    );
  });

  it('is refused for what is neither, with the nearest signal', () => {
    assert.equal(refusal('256'), 'has 256: exit codes are 0 to 255');
    assert.equal(
      refusal('1 SIGTREM'),
      'has "SIGTREM", which is neither an exit code nor a signal (did you mean "SIGTERM"?)',
    );
    for (const word of ['-1', '1.5', '0x1', 'RTMAX+1', '-9', 'true'])
      assert.match(refusal(word), /is neither an exit code nor a signal/, word);
    assert.match(refusal([{}]), /^has "\{\}", which is neither/);
  });
});

describe('the end of a process', () => {
  it('is a success with 0, or with what is listed', () => {
    assert.deepEqual(
      [0, 3, 4].map((number) => endedWell({ success_exit_codes: '3' }, code(number))),
      [true, true, false],
    );
    assert.deepEqual([endedWell({}, code(0)), endedWell({}, code(1)), endedWell({}, signal(15))], [true, false, false]);
    assert.ok(endedWell({ success_exit_codes: ['SIGTERM'] }, signal(15)));
  });
});
