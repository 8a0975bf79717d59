/** Commands about what is being done: list it, look at one, wait for it, end it. */
import * as v from 'valibot';
import { integer } from '../../schema.js';
import {
  anyName,
  defineCommand,
  name,
  object,
  truth,
  type Argument,
  type Command,
  type CommandContext,
} from '../command.js';
import { mayDo } from '../asker.js';
import type { Job } from '../jobs.js';
import { named } from '../match.js';
import { RequestError } from '../protocol.js';

const idWord: Argument = { name: 'id', kind: 'integer', required: true, summary: 'the number of a job' };
const properties = object({ id: integer(() => "'id' is not the number of a job") });
const reply = 'job: id, command, watchers, state, progress, by, asked, and ended and reason when it is over';

/** Where an endpoint is for some watchers, it knows what was asked for by it, or for one of them by its name. */
function isVisible(job: Job, { arbiter, asker: { name, sees } }: CommandContext): boolean {
  const isKnown = (watcher: string) => arbiter.find(watcher) !== undefined || sees?.(watcher) === true;
  return !sees || job.asker === name || (job.meant.length > 0 && [...job.meant, ...job.watchers].every(isKnown));
}

function jobOf(id: number, context: CommandContext): Job {
  const job = context.jobs.get(id);
  if (!isVisible(job, context)) throw new RequestError(3, `job ${id} not found`);
  return job;
}

/** The commands about jobs. */
export const jobCommands: readonly Command[] = [
  defineCommand({
    name: 'jobs',
    summary: 'list what is being done, and who asked for it',
    role: 'view',
    properties: object({ name: v.optional(name()), all: truth(false, 'also the last ones that are over') }),
    words: [anyName],
    flags: [{ name: 'all', kind: 'flag', summary: 'also the last ones that are over' }],
    reply: 'jobs: from the newest to the oldest, each as in the reply to job',
    run({ name, all }, context) {
      const watcher = name === undefined ? undefined : named(context.arbiter, name).name;
      const jobs = context.jobs.all.filter(
        (job) =>
          isVisible(job, context) &&
          (all || job.ended === undefined) &&
          (watcher === undefined || job.watchers.includes(watcher)),
      );
      return { jobs: jobs.map((job) => job.describe()) };
    },
  }),
  defineCommand({
    name: 'job',
    summary: 'tell how far a job is',
    role: 'view',
    properties,
    words: [idWord],
    flags: [],
    reply,
    run: ({ id }, context) => ({ job: jobOf(id, context).describe() }),
  }),
  defineCommand({
    name: 'wait',
    summary: 'answer when a job is over',
    role: 'view',
    properties,
    words: [idWord],
    flags: [],
    reply: `${reply}; an error when it failed or was cancelled`,
    async run({ id }, context) {
      const job = jobOf(id, context);
      await job.over;
      if (job.state !== 'done')
        throw new RequestError(6, `job ${id} ${job.state}: ${job.reason ?? 'no reason is known'}`);
      return { job: job.describe() };
    },
  }),
  defineCommand({
    name: 'cancel',
    summary: 'end a job before its time; what it has done stays',
    role: 'operate',
    isNoJob: true,
    properties,
    words: [idWord],
    flags: [],
    reply,
    run({ id }, context) {
      const job = jobOf(id, context);
      if (!mayDo(context.asker.role, job.role))
        throw new RequestError(5, `job ${id} was begun by "${job.command}", which needs the role ${job.role}`);
      if (context.arbiter.stopping) throw new RequestError(5, 'the daemon is stopping, which can’t be cancelled');
      job.cancel(context.by);
      return { job: job.describe() };
    },
  }),
];
