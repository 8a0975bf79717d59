/** What happens, what happened and why, as text: the replies about jobs, and of `events`, `history` and `explain`. */
import { plain as clean } from '#plugins/plain.js';
import type { Reply } from './failure.js';

type Fields = Readonly<Record<string, unknown>>;

const records = (value: unknown): readonly Fields[] => (Array.isArray(value) ? (value as Fields[]) : []);
/** A value in one line: what processes and plugins say of themselves must not make further ones. */
const plain = (value: unknown): string => clean(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
/** A time as ISO has it, to the second or, for events, to the millisecond. */
const stamp = (seconds: unknown, precise = false): string => {
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) return plain(seconds);
  return precise ? date.toISOString() : date.toISOString().replace(/\.\d+Z$/, 'Z');
};

/** `12 2026-11-24T09:30:00.123Z watcher.web.reap process_pid=7 exit_code=1` */
function eventLine({ seq, topic, time, ...facts }: Fields): string {
  const pairs = Object.entries(facts).map(([key, value]) => ` ${plain(key)}=${plain(value)}`);
  return `${plain(seq)} ${stamp(time, true)} ${plain(topic)}${pairs.join('')}`;
}

/** What the numbers alone would not tell. */
function gap({ missed, dropped }: Reply): readonly string[] {
  return [
    ...(missed === null ? ['this is another run of the daemon: its events begin here'] : []),
    ...(Number(missed) > 0 ? [`${plain(missed)} events before these are not kept any more`] : []),
    ...(Number(dropped) > 0 ? [`${plain(dropped)} events could not be sent to subscribers`] : []),
  ];
}

const headings = ['TIME', 'PID', 'PLACE', 'LIVED', 'EXIT', 'REASON'] as const;

function exitRow({ time, pid, wid, duration, code, signal, reason, by }: Fields): readonly string[] {
  const lived = `${Number(duration).toFixed(1)} s`;
  const why = typeof by === 'string' ? `${plain(reason)} by ${plain(by)}` : plain(reason);
  return [stamp(time), plain(pid), plain(wid), lived, plain(signal ?? code ?? 'unknown'), why];
}

const jobHeadings = ['JOB', 'STATE', 'COMMAND', 'WATCHERS', 'PROGRESS', 'BY', 'ASKED'] as const;
const mostNames = 3;

function jobRow({ id, command, watchers, state, progress, by, asked }: Fields): readonly string[] {
  const names = Array.isArray(watchers) ? watchers.map(plain) : [];
  const more = names.length > mostNames ? [`${names.length - mostNames} more`] : [];
  const { text, step } = (progress ?? {}) as Fields;
  const far = [text, step].filter((part) => part !== undefined).map(plain);
  const about = [...names.slice(0, mostNames), ...more].join(', ');
  return [plain(id), plain(state), plain(command), about || 'all', far.join('; '), plain(by), stamp(asked)];
}

function jobText({ job }: Reply): string {
  const { reason, ...facts } = (job ?? {}) as Fields;
  const cells = jobRow(facts).map((cell, at) => [jobHeadings[at]!.toLowerCase(), cell] as const);
  const rows = cells.filter(([, cell]) => cell !== '').map(([heading, cell]) => `${heading}: ${cell}`);
  return [...rows, ...(reason === undefined ? [] : [`reason: ${plain(reason)}`])].join('\n');
}

/** Rows, the headings first, each column as wide as its widest cell. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const socketHeadings = ['FD', 'NAME', 'ADDRESS', 'QUEUE', 'WATCHERS'] as const;

/** Sockets with who waits in them; Circus's own lines have no room for that. */
export function socketTable(sockets: unknown): string {
  const rows = records(sockets).map(({ fd, name, path, host, port, queue, queue_limit: limit, watchers }) => {
    const address = path === undefined ? `${plain(host)}:${plain(port)}` : plain(path);
    const waiting = queue === null ? 'unknown' : `${plain(queue)} of ${plain(limit)}`;
    const users = Array.isArray(watchers) ? watchers.map(plain).join(', ') : '';
    return [plain(fd), plain(name), address, waiting, users];
  });
  return rows.length === 0 ? 'there are no sockets' : aligned([socketHeadings, ...rows]);
}

/** The replies as texts; undefined: nothing to print. */
export const insightPrinters: Readonly<Record<string, (reply: Reply) => string | undefined>> = {
  jobs({ jobs }) {
    const rows = records(jobs).map(jobRow);
    return rows.length === 0 ? 'nothing is being done' : aligned([jobHeadings, ...rows]);
  },
  groups({ groups }) {
    const rows = Object.entries((groups ?? {}) as Fields).map(([group, members]) => {
      const all = Object.entries((members ?? {}) as Fields).map(([name, state]) => `${plain(name)} ${plain(state)}`);
      return `${plain(group)}: ${all.join(', ')}`;
    });
    return rows.length === 0 ? 'no watcher is in a group' : rows.join('\n');
  },
  job: jobText,
  wait: jobText,
  cancel: jobText,
  events(reply) {
    const { next, last } = reply;
    const more = Number(last) > Number(next) ? [`there are more: --since ${plain(next)}`] : [];
    const lines = [...gap(reply), ...records(reply['events']).map(eventLine), ...more];
    return lines.length === 0 ? undefined : lines.join('\n');
  },
  history({ exits }) {
    const rows = records(exits).map(exitRow);
    return rows.length === 0 ? 'no process of it has ended yet' : aligned([headings, ...rows]);
  },
  explain: ({ text }) => (typeof text === 'string' ? text : plain(text)),
};
