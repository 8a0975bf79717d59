import assert from 'node:assert/strict';
import { Jobs } from '#plugins/controller/jobs.js';

describe('jobs of which there are too many', () => {
  const restart = { name: 'restart', role: 'operate' } as const;

  it('keep nobody but the one who asked for them from asking for more', () => {
    const jobs = new Jobs();
    const own = Array.from({ length: 2000 }, () => jobs.begin(restart, 'endpoint small', 'web'));
    assert.throws(() => jobs.begin(restart, 'endpoint small', 'web'), /2000 jobs are under way already/);
    jobs.begin(restart, 'operator', 'db').finish('done');
    own[0]!.finish('done');
  });

  it('may be asked for again when some are over', async () => {
    const jobs = new Jobs();
    const own = Array.from({ length: 2000 }, () => jobs.begin(restart, 'endpoint small', 'web'));
    own[7]!.finish('done');
    await own[7]!.over;
    assert.equal(jobs.begin(restart, 'endpoint small', 'web').state, 'running');
  });
});
