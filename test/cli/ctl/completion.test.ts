import assert from 'node:assert/strict';
import { completions } from '../../../cli/ctl/completion.js';

describe('Tab in the shell of circusctl', () => {
  const commands = ['start', 'status', 'stop', 'help'];
  const after = (line: string) => completions(line, commands, () => Promise.resolve(['web', 'worker', '@api']));

  it('completes the command', async () => {
    assert.deepEqual(await after('sta'), [['start', 'status'], 'sta']);
    assert.deepEqual(await after('  x'), [[], 'x']);
    assert.deepEqual(await after(''), [commands, '']);
  });

  it('completes watchers and groups where a command takes names', async () => {
    assert.deepEqual(await after('stop w'), [['web', 'worker'], 'w']);
    assert.deepEqual(await after('signal web @'), [['@api'], '@']);
    assert.deepEqual(await after('stop '), [['web', 'worker', '@api'], '']);
    assert.deepEqual(await after('job w'), [[], 'w']);
  });
});
