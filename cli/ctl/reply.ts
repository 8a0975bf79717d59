/** From replies to text for people, in Circus's form, and to JSON. */
import { plain } from '#plugins/plain.js';
import { commandsIn } from './command-line.js';
import type { Reply } from './failure.js';
import { addedHelp } from './help.js';
import { insightPrinters, socketTable } from './insight.js';
import { intentPrinters, keyLines } from './intent.js';
import { asPython, fields, list } from './python.js';
import type { CommandFacts } from './table.js';

type Fields = Readonly<Record<string, unknown>>;

/** States that Circus's four words leave out, and that a person wants explained. */
const troubles = new Set(['waiting', 'retrying', 'gave-up']);
const told = new Set([...troubles, 'completed']);

/** The reply as JSON with a line end; `prettify` indents it and puts the keys in order. */
export function replyAsJson(reply: unknown, prettify: boolean): string {
  return `${prettify ? JSON.stringify(sorted(reply), null, 2) : JSON.stringify(reply)}\n`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    entriesInOrder(value as Fields).map(([key, inner]): [string, unknown] => [key, sorted(inner)]),
  );
}

/** The reply as text with a line end. */
export function replyAsText({ name, role }: Pick<CommandFacts, 'name' | 'role'>, reply: Reply): string {
  const print = printers[name] ?? (role === 'view' ? anything : () => 'ok');
  const text = print(reply);
  return text === undefined ? '' : harmless(`${text}\n`);
}

/** A text without what a terminal obeys; line ends and tabulators stay. Watchers and processes name themselves. */
export const harmless = (text: string): string => text.replace(/[^\P{Cc}\n\t]/gu, '?');

/** What the reason of a refusal looks like, with what helps further behind it. */
export function refusalAsText(name: string, { reason, hint }: Reply): string {
  const text = typeof reason === 'string' ? reason : 'the daemon gives no reason';
  const more = typeof hint === 'string' ? ` (${hint})` : '';
  return `${name === 'globaloptions' ? '' : 'error: '}${text}${more}`;
}

/** What went wrong although the daemon did what it was asked for: a watcher that is not up, or files with errors. */
export function complaintIn(name: string, { state, reason, problems }: Reply): string | undefined {
  if (name === 'reloadconfig') {
    const wrong = list(problems).filter((problem) => String(problem).startsWith('error: '));
    return wrong.length > 0 ? wrong.join('\n') : undefined;
  }
  if (!['start', 'restart', 'reload'].includes(name) || !troubles.has(String(state))) return undefined;
  // It is as it was meant to be.
  if (state === 'waiting' && /^waiting for a client\b/.test(String(reason))) return undefined;
  return `error: it is ${why({ state, reason }).slice(2, -1)}`;
}

const entriesInOrder = (value: Fields) => Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
const lines = (all: readonly string[]): string | undefined => (all.length === 0 ? undefined : all.join('\n'));

function optionLines(options: unknown): string | undefined {
  return lines(
    Object.entries(fields(options)).map(([key, value]) => {
      const isEnvironment = key === 'env' && typeof value === 'object';
      const pairs = isEnvironment && entriesInOrder(fields(value)).map(([name, text]) => `${name}=${asPython(text)}`);
      return `${key}: ${pairs ? pairs.join(',') : asPython(value)}`;
    }),
  );
}

const shown = ['cmdline', 'username', 'nice', 'mem_info1', 'mem_info2', 'cpu', 'mem', 'ctime'];
/** Python shows a float as one, also when it is whole. */
const float = (value: unknown) => (Number.isInteger(value) ? `${value}.0` : value);
const infoLine = ({ cpu, mem, ...rest }: Fields): string => {
  const info: Fields = { ...rest, cpu: float(cpu), mem: float(mem) };
  return plain(`${asPython(info['pid'])}  ${shown.map((key) => asPython(info[key])).join(' ')}`);
};

/** The facts about a process: a line, and one for each child. */
function infoLines(info: unknown): string[] {
  if (typeof info === 'string') return [info];
  const facts = fields(info);
  return [infoLine(facts), ...list(facts['children']).map((child) => `   ${infoLine(fields(child))}`)];
}

const processLines = (infos: unknown): string[] =>
  Object.entries(fields(infos)).flatMap(([pid, info]) => `${pid}: ${infoLines(info).join('\n')}`);

function socketLine(socket: unknown): string {
  const { fd, name, path, host, port } = fields(socket);
  const place = path === undefined ? `${asPython(host)}:${asPython(port)}` : asPython(path);
  return `${asPython(fd)}:socket '${asPython(name)}' at ${place}`;
}

function newNumber({ singleton, numprocesses }: Reply): string {
  if (singleton === true) return 'This watcher is a Singleton - not changing the number of processes';
  return numprocesses === undefined ? 'ok' : asPython(numprocesses);
}

function planText({ changes, drift, problems }: Reply): string {
  const all = [
    ...list(changes).flatMap((change) => {
      const { kind, name, what, does, keys, returns } = fields(change);
      const back = returns === undefined ? [] : [`    it brings back ${asPython(returns)}`];
      return [
        `${asPython(kind)} ${asPython(name)} was ${asPython(what)}: ${asPython(does)}`,
        ...back,
        ...keyLines(keys),
      ];
    }),
    ...list(drift).flatMap((change) => {
      const { watcher, keys } = fields(change);
      return [`watcher ${asPython(watcher)} was changed at run time`, ...keyLines(keys)];
    }),
    ...list(problems).map((problem) => `wrong: ${asPython(problem)}`),
  ];
  return lines(all) ?? 'nothing to do';
}

/** A reply of a command that has no form of its own; a `text` is made for people. */
function anything({ status: _status, time: _time, id: _id, ...rest }: Reply): string | undefined {
  if (typeof rest['text'] === 'string') return rest['text'];
  return Object.keys(rest).length === 0 ? 'ok' : optionLines(rest);
}

const options = (reply: Reply) => optionLines(reply['options']);

/** What there is to explain: ` (retrying: process 12 exited with code 1)`, or nothing. */
function why({ state, reason }: Fields): string {
  if (typeof state !== 'string' || !told.has(state)) return '';
  if (typeof reason !== 'string' || reason === '') return plain(` (${state})`);
  // Many a reason begins with the state, in words.
  const isTold = reason.startsWith(`${state} `) || reason.startsWith(`${state.replace('-', ' ')}: `);
  return plain(isTold ? ` (${reason})` : ` (${state}: ${reason})`);
}

const printers: Readonly<Record<string, (reply: Reply) => string | undefined>> = {
  ...insightPrinters,
  ...intentPrinters,
  commands: (reply) => addedHelp(commandsIn(reply)),
  incr: newNumber,
  decr: newNumber,
  list: ({ watchers, pids }) => list(watchers ?? pids).join(','),
  status({ status, statuses, details, notes, problems, state, reason }) {
    const noted = (note: unknown) => (typeof note === 'string' ? plain(` (${note})`) : '');
    if (statuses === undefined)
      return `${asPython(status)}${why({ state, reason })}${noted(Object.values(fields(notes))[0])}`;
    const states = entriesInOrder(fields(statuses)).map(
      ([name, circus]) =>
        `${plain(name)}: ${asPython(circus)}${why(fields(fields(details)[name]))}${noted(fields(notes)[name])}`,
    );
    return lines([...states, ...list(problems).map((problem) => `wrong: ${asPython(problem)}`)]);
  },
  numprocesses: ({ numprocesses }) => asPython(numprocesses),
  numwatchers: ({ numwatchers }) => asPython(numwatchers),
  options,
  get: options,
  globaloptions: options,
  plan: planText,
  reloadconfig({ changes }) {
    const all = list(changes).map(fields);
    const later = all.filter(({ cost }) => cost === 'daemon');
    return [
      'ok',
      ...all.flatMap(({ name, returns }) =>
        returns === undefined ? [] : [`watcher ${asPython(name)} has again ${asPython(returns)}`],
      ),
      ...later.map(({ kind, name, does }) => `${asPython(kind)} ${asPython(name)}: ${asPython(does)}`),
    ].join('\n');
  },
  save: ({ file, saved, unsaved }) => {
    const names = list(saved).map((change) => asPython(fields(change)['watcher']));
    const left = list(unsaved)
      .map(fields)
      .map(({ watcher, key, reason }) =>
        plain(`${asPython(watcher)}: ${asPython(key)} is not saved: ${asPython(reason)}`),
      );
    const written = names.length === 0 ? [] : [`${names.join(', ')}: written to ${asPython(file)}`];
    return [...written, ...left].join('\n') || 'nothing was changed at run time';
  },
  listsockets: ({ sockets, queues }) => (queues === true ? socketTable(sockets) : lines(list(sockets).map(socketLine))),
  stats({ name, infos, process, info }) {
    if (infos !== undefined)
      return lines(
        Object.entries(fields(infos)).flatMap(([watcher, of]) => [`${plain(watcher)}:`, ...processLines(of)]),
      );
    if (name !== undefined) return lines([`${asPython(name)}:`, ...processLines(info)]);
    return `${asPython(process)}: ${infoLines(info).join('\n')}\n`;
  },
  dstats({ info }) {
    const [own, ...children] = infoLines(info);
    return lines(['Main Process:', `    ${own}`, ...(children.length > 0 ? ['Children:', ...children] : [])]);
  },
};
