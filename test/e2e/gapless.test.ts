/** The guide to reloads without a gap: its examples under a steady load, with good and bad new versions. */
import assert from 'node:assert/strict';
import { OpenLoop } from '../support/open-loop.js';
import { Deployment, examples, firstVersion, type Example, type Kind } from './gapless.js';

const rate = 40;
const sizes = [1, 4];
const goodOnes = 2;
/** How late a version is in being ready, and how long it is waited for one that never is; in s. */
const [late, patience] = [1, 1];

/** Reloads again and again under load; resolves when nothing was noticed of it. */
async function exercise(example: Example): Promise<void> {
  const deployment = await Deployment.start(example, 1);
  const { daemon, port } = deployment;
  const load = new OpenLoop({ port, rate, versions: [firstVersion] });
  let [version, latest] = [firstVersion, 1];

  const replace = async (kind: Kind = 'good') => {
    const next = `v${++latest}`;
    const before = await deployment.pids();
    load.expect(version, next);
    deployment.deploy(next, kind);
    assert.equal(await deployment.reload(), undefined);
    load.expect(next);
    version = next;
    const after = await deployment.pids();
    assert.equal(after.length, before.length);
    assert.deepEqual(
      after.filter((pid) => before.includes(pid)),
      [],
    );
  };
  const refuse = async (kind: Kind, reason: RegExp) => {
    const before = await deployment.pids();
    deployment.deploy(`v${++latest}`, kind);
    assert.match(String(await deployment.reload()), reason);
    assert.deepEqual(await deployment.pids(), before, 'nobody was replaced');
    assert.ok(await deployment.answers(version));
    deployment.deploy(version);
  };

  try {
    for (const size of sizes) {
      await deployment.set({ numprocesses: size });
      for (let round = 0; round < goodOnes; round++) await replace();
      await refuse('crash', /did not become ready: .*exited with code/);
      // What hangs needs no time to finish anything.
      await deployment.set({ 'ready.timeout': patience, graceful_timeout: patience });
      await refuse('hang', /did not become ready: .*does not accept on its sockets/);
      await deployment.set({ 'ready.timeout': 60, graceful_timeout: 35 });
      await replace({ late });
      deployment.deploy(version);
    }
    const { sent, answered, failed, complaints, versions } = await load.stop();
    assert.equal(failed.size, 0, complaints.join('\n'));
    assert.equal(answered, sent);
    assert.equal(versions.size, 1 + sizes.length * (goodOnes + 1));
    await deployment.stop();
  } catch (error) {
    // There is a line for each request.
    console.error(`${example.name}:\n${daemon.log.split('\n').slice(-100).join('\n')}`);
    throw error;
  } finally {
    await load.stop();
    await deployment.close();
  }
}

describe('the guide to reloads without a gap', function () {
  this.timeout(120_000);
  const all = examples();
  // Side by side, as most of the time is spent in waiting.
  let runs: ReadonlyMap<Example, Promise<void>>;

  before('begin all', () => {
    runs = new Map(all.map((example) => [example, exercise(example)]));
    for (const run of runs.values()) run.catch(() => undefined);
  });
  after('wait for all', async () => void (await Promise.allSettled(runs.values())));

  it('has an example for each kind of program', () => {
    assert.deepEqual(
      all.map(({ name }) => name),
      ['Node', 'Node with a handler of its own', 'gunicorn', 'nginx', 'chaussette'],
    );
  });
  for (const example of all) {
    it(`has an example that drops no request, whatever the new version does: ${example.name}`, () => runs.get(example));
  }
});
