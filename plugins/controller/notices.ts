/** What the controller learns from the kernel, and what it refuses. */
import type { HookViews } from '#core';
import { refuse } from '../flaw.js';
import type { InfoReader } from './info.js';
import type { Jobs } from './jobs.js';
import { flawsIn } from './judge.js';
import type { Records } from './records.js';

/** Taps the hooks for all parts of it. */
export function tapHooks(
  hooks: HookViews,
  { records, reader, jobs }: { readonly records: Records; readonly reader: InfoReader; readonly jobs: Jobs },
): void {
  records.tap(hooks);
  hooks.reaped.tap('controller', (_exit, { pid }) => reader.forget(pid));
  hooks.operationChanged.tap('controller', (operation) => jobs.follow(operation));
  hooks.watcherSpec.tap('controller', (spec) => refuse(flawsIn(spec.options)));
}
