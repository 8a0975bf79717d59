/** The options of groups: of all watchers in the section, and of one as `cgroup.NAME`. */
import { statfsSync } from 'node:fs';
import * as v from 'valibot';
import type { Flaw } from '../flaw.js';
import { mustBe } from '../must-be.js';
import { boolean, prefixedFlaws, standard } from '../schema.js';
import { systemFiles } from './files.js';
import { limits, type LimitName } from './limits.js';

/** The type of the file system, CGROUP2_SUPER_MAGIC of the kernel. */
const cgroup2 = 0x63677270;

/** What is wrong with a folder that is to hold the groups; undefined when nothing is. */
function objection(root: string): string | undefined {
  let type: number;
  try {
    ({ type } = statfsSync(root));
  } catch (error) {
    return `"${root}" can't be used: ${(error as NodeJS.ErrnoException).code}`;
  }
  if (!root.startsWith('/') || type !== cgroup2) return `"${root}" is not a folder of cgroup v2`;
  return systemFiles.writable(root) ? undefined : `"${root}" may not be written to by this user`;
}

const isTruth = ({ input }: { readonly input: unknown }) => mustBe('true or false', input).message;

const limit = (name: LimitName, about: string) =>
  v.pipe(
    v.nullish(
      v.pipe(
        v.union([v.string(), v.number()], 'is neither a text nor a number'),
        v.rawTransform(({ dataset, addIssue, NEVER }) => {
          try {
            return limits[name].read(String(dataset.value).trim());
          } catch (error) {
            addIssue({ message: (error as Error).message });
            return NEVER;
          }
        }),
      ),
    ),
    v.description(about),
  );

const fields = {
  root: v.optional(
    v.pipe(
      v.string(),
      v.description('The group below which those of the watchers are made.'),
      v.trim(),
      v.check(
        (root) => objection(root) === undefined,
        ({ input }) => objection(input) ?? '',
      ),
    ),
  ),
  memory_max: limit('memory_max', 'The memory that its processes may use together.'),
  memory_high: limit('memory_high', 'The memory above which they are slowed down and have to give some back.'),
  cpu_max: limit('cpu_max', 'The processor time that they may use together: 50%, or 1.5 processors.'),
  cpu_weight: limit('cpu_weight', 'Their share when processors are short, from 1 to 10000; the default of all is 100.'),
  pids_max: limit('pids_max', 'How many processes and threads there may be.'),
  active: v.optional(
    v.pipe(boolean(isTruth), v.description('Whether its processes get groups; false spares a watcher.')),
    true,
  ),
};

/** The options; a watcher's own are `cgroup.NAME`, and those of the section are for all that have none. */
const options = v.strictObject(fields);

export type CgroupOptions = v.InferOutput<typeof options>;

/** The options as Standard Schema and Standard JSON Schema; a limit comes out as its file takes it. */
export const optionsSchema = standard(options);

const prefix = 'cgroup.';
const { root: _, ...ofWatchers } = fields;

/** What is wrong with a watcher's own options. */
export function flawsIn(given: Readonly<Record<string, unknown>>): readonly Flaw[] {
  return prefixedFlaws(prefix, ofWatchers, given).map((flaw) =>
    flaw.key === `${prefix}root` ? { ...flaw, message: 'is for all watchers: it belongs in [plugin:cgroup]' } : flaw,
  );
}
