import assert from 'node:assert/strict';
import type { WatcherSpec } from '../../core/spec.js';
import { worldPerTest } from './world.js';

describe('a new process that fails', () => {
  const world = worldPerTest();
  const brings =
    (cmd: string, more: Partial<WatcherSpec> = {}) =>
    (spec: WatcherSpec) => ({ ...spec, cmd, ...more });

  /** Has processes write to pipes of ours. */
  const piped = () =>
    world().hooks.spawnSpec.tap('test', (spec) => ({ ...spec, files: { ...spec.files, 1: 'pipe', 2: 'pipe' } }));

  it('is told with its last ten lines, without what a terminal obeys', async () => {
    piped();
    const watcher = await world().up();
    const lines = Array.from({ length: 12 }, (_, at) => `line ${at + 1}`).join('\\n');
    const change = brings(`sh -c 'printf "${lines}\\n\\033[2Jred\\n"; exit 3'`);
    const told = Array.from({ length: 9 }, (_, at) => `line ${at + 4}`).join(' / ');
    await assert.rejects(world().arbiter.reload(watcher, { change }).result, {
      message: new RegExp(`it exited with code 3; it wrote last: ${told} / \\\\x1b\\[2Jred$`),
    });
  });

  it('is told with 2 KiB at most, of whole lines, and without secrets', async () => {
    piped();
    const watcher = await world().up();
    const script = 'for i in $(seq 2000); do echo "$i sesame"; done; exit 3';
    const change = brings(`sh -c '${script}'`, { env: { KEY: 'sesame' }, secrets: ['KEY'] });
    const error = await world()
      .arbiter.reload(watcher, { change })
      .result.catch((reason: unknown) => reason as Error);
    assert.match((error as Error).message, /it wrote last: 1991 \*\*\* \/ .* \/ 2000 \*\*\*$/);
    const wide = brings(`sh -c 'head -c 9000 /dev/zero | tr "\\000" x; echo; echo end; exit 3'`);
    await assert.rejects(world().arbiter.reload(watcher, { change: wide }).result, /it wrote last: end$/);
  });

  it('is told with its end alone where its output does not come to us', async () => {
    const watcher = await world().up();
    const change = brings(`sh -c 'exit 3'`);
    await assert.rejects(world().arbiter.reload(watcher, { change }).result, /it exited with code 3$/);
  });

  it('that it is told of leaves its pipes to what it has started', async () => {
    piped();
    let text = '';
    world().hooks.output.tap('test', (chunk) => void (text += String(chunk)));
    await world().up({ cmd: `sh -c '(sleep 1.2; echo late) & exit 0'`, respawn: false });
    await world().until(() => text === 'late\n');
  });
});
