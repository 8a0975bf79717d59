import assert from 'node:assert/strict';
import { eventually } from '../../support/eventually.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { client, closeAfterEach, fakeDaemon } from './fake.js';

describe('a cast of the client', () => {
  closeAfterEach();
  const folder = temporaryPerTest();
  const endpoint = () => `ipc://${folder.path}/control`;

  it('is on its way when it resolves, also where the client is closed then, and fails where nobody is', async () => {
    const { requests } = await fakeDaemon(endpoint());
    const circus = client({ endpoint: endpoint() });
    await circus.cast('start', { name: 'web' });
    circus.close();
    await eventually(() => assert.equal(requests.length, 1));
    const { command, properties, id } = requests[0]!;
    assert.deepEqual([command, properties, id], ['start', { name: 'web' }, undefined]);
    const alone = client({ endpoint: `${endpoint()}-nowhere` });
    await assert.rejects(alone.cast('start'), { code: 'ERR_UNREACHABLE' });
  });
});
