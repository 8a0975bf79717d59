/** All options that a configuration can have, as data: what is read, checked, documented and offered is this table. */
import type { OptionType } from './convert.js';
import { nearest } from './problem.js';
import { watcherRows } from './schema-watcher.js';

/** The kinds of section that hold options. */
export type SectionKind = 'circus' | 'watcher' | 'socket' | 'plugin';

/** One option. */
export interface Option {
  /** The name; a `*` at the end stands for any ending. */
  readonly key: string;
  readonly type: OptionType;
  /** The value when nothing is written, as text; null: none. */
  readonly default: string | null;
  /** The plugin that it belongs to; null: the kernel's, or the configuration's own. */
  readonly owner: string | null;
  /** One sentence. */
  readonly about: string;
}

/** An option as a line of the table: key, type, default, owner, description. */
export type Row = readonly [string, OptionType, string | null, string | null, string];

const circusRows: readonly Row[] = [
  ['check_delay', 'period', '5', null, 'Seconds between two looks at what nothing announces.'],
  ['endpoint', 'text', 'tcp://127.0.0.1:5555', 'controller', 'Where commands are answered; empty: nowhere.'],
  ['endpoints', 'endpoints', null, 'controller', "Addresses for what is not said: unix sockets, or circus's ports."],
  ['endpoint_owner', 'text', null, 'controller', 'The user who owns an ipc:// endpoint.'],
  ['insecure', 'bool', 'false', 'controller', 'Take commands from other machines without any check of who they are.'],
  [
    'curve',
    'bool',
    'false',
    'controller',
    'On TCP, take only clients with an authorized key, and encrypt what is said.',
  ],
  ['curve_key', 'text', null, 'controller', "The file with the daemon's secret key."],
  ['authorized_keys', 'text', null, 'controller', 'The folder with the public keys of clients, one file each.'],
  ['pubsub_endpoint', 'text', 'tcp://127.0.0.1:5556', 'controller', 'Where events are published.'],
  ['multicast_endpoint', 'text', 'udp://237.219.251.97:12027', 'controller', 'Where the daemon can be discovered.'],
  ['statsd', 'bool', 'false', 'stats', 'Publish statistics of all processes.'],
  ['stats_endpoint', 'text', 'tcp://127.0.0.1:5557', 'stats', 'Where statistics are published.'],
  ['httpd', 'bool', 'false', 'httpd', 'Serve the dashboard and the HTTP interface.'],
  ['httpd_host', 'text', 'localhost', 'httpd', 'The host that the HTTP interface listens on.'],
  ['httpd_port', 'port', '8080', 'httpd', 'The port that the HTTP interface listens on.'],
  ['persist', 'bool', 'true', 'persist', 'Write down what runs, to find it again after a crash.'],
  ['intent', 'bool', 'true', 'intent', 'Keep what operators decided, and specs that were good, for a rollback.'],
  [
    'state_dir',
    'text',
    null,
    'intent',
    'The folder below which that is kept; default: /var/lib/circusd, or of the user.',
  ],
  ['warmup_delay', 'seconds', '0', null, 'Seconds of pause after the start of each watcher.'],
  ['umask', 'octal', null, null, 'The file mask of the daemon and its processes, octal.'],
  ['pidfile', 'text', null, null, 'The file that holds the process id of the daemon.'],
  ['loglevel', 'text', 'info', null, 'What is logged: debug, info, warning, error or critical.'],
  ['logoutput', 'text', '-', null, 'Where the log goes: a file, or - for the standard error.'],
  ['loggerconfig', 'unused', null, null, 'Read for compatibility; it configures the logging of Python.'],
  ['debug', 'bool', 'false', null, 'Log everything, also the output of helpers.'],
  ['debug_gc', 'unused', null, null, 'Read for compatibility; it concerns Python.'],
  ['expand', 'expansion', 'circus', null, 'Variables: circus, or shell for ${NAME:-default} and its like too.'],
  ['include', 'text', null, null, 'Further files, names or patterns, relative to the main file.'],
  ['include_dir', 'text', null, null, 'Folders whose *.ini files are read too.'],
  ['overrides', 'text', null, null, 'A file whose values go over all others: what circusctl save writes.'],
  ['fqdn_prefix', 'unused', null, null, 'Read for compatibility; it has no effect.'],
  ['stream_backend', 'unused', null, null, 'Read for compatibility; it has no effect.'],
  ['statsd_close_outputs', 'unused', null, null, 'Read for compatibility; it has no effect.'],
  ['httpd_close_outputs', 'unused', null, null, 'Read for compatibility; it has no effect.'],
];

const socketRows: readonly Row[] = [
  ['host', 'text', 'localhost', null, 'The name or address to listen on.'],
  ['port', 'port', '8080', null, 'The port to listen on; 0: any free one.'],
  ['family', 'family', 'AF_INET', null, 'AF_INET, AF_INET6 or AF_UNIX.'],
  ['type', 'sockettype', 'SOCK_STREAM', null, 'SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_RDM or SOCK_SEQPACKET.'],
  ['proto', 'text', null, null, 'A protocol such as tcp or udp; the default follows from the type.'],
  ['backlog', 'count', '2048', null, 'How many clients may wait to be accepted.'],
  ['path', 'text', null, null, 'The file of a Unix socket; host and port do not count then.'],
  ['umask', 'count', '8', null, "The mask of a Unix socket's file, as a decimal number."],
  ['mode', 'octal', null, null, "The mode of a Unix socket's file, octal; umask does not count then."],
  ['owner', 'user', null, null, "The user who owns a Unix socket's file."],
  ['group', 'group', null, null, "The group of a Unix socket's file."],
  ['replace', 'bool', 'false', null, 'Remove a file that is in the way of a Unix socket.'],
  ['so_reuseport', 'bool', 'false', null, 'Each process has a socket of its own at the same port.'],
  ['blocking', 'bool', 'false', null, 'Leave the socket in blocking mode.'],
  ['interface', 'text', null, null, 'The network device to bind to.'],
];

const pluginRows: readonly Row[] = [
  [
    'use',
    'text',
    null,
    null,
    "The plugin: a first-party name, Circus's dotted name, a Python class, an npm package or a path.",
  ],
  ['isolate', 'isolation', null, null, 'With "process" it runs in a process of its own, as the watcher plugin:NAME.'],
  ['python', 'text', 'python3', null, 'The Python that runs a class of Circus, by name or path.'],
  ['priority', 'int', '1', null, 'Higher starts earlier and stops later, when it runs in a process of its own.'],
  [
    '*',
    'text',
    null,
    null,
    "Everything else is the plugin's own; in a process of its own, options of watchers are its watcher's.",
  ],
];

/** The options of each kind of section. */
export const schema: Readonly<Record<SectionKind, readonly Option[]>> = {
  circus: circusRows.map(option),
  watcher: watcherRows.map(option),
  socket: socketRows.map(option),
  plugin: pluginRows.map(option),
};

/** Keys of watchers that take rights away from a program: without their plugin, it must not run. */
export const protective: ReadonlySet<string> = new Set(['uid', 'gid', 'groups', 'capabilities', 'no_new_privileges']);

const exact = indexOf((row) => !row.key.endsWith('*'));
const prefixed = indexOf((row) => row.key.endsWith('*'));

/** The option that a key names, also through a prefix such as `flapping.`; undefined for an unknown key. */
export function optionOf(kind: SectionKind, key: string): Option | undefined {
  const found = exact[kind].get(key);
  if (found) return found;
  const known = byPrefix[kind];
  if (!known.has(key)) {
    // Keys come from files: only so many of them are worth remembering.
    if (known.size >= 1000) return optionByPrefix(kind, key);
    known.set(key, optionByPrefix(kind, key));
  }
  return known.get(key);
}

const byPrefix: Readonly<Record<SectionKind, Map<string, Option | undefined>>> = {
  circus: new Map(),
  watcher: new Map(),
  socket: new Map(),
  plugin: new Map(),
};

function optionByPrefix(kind: SectionKind, key: string): Option | undefined {
  if (key.startsWith('rlimit_') && key.toLowerCase() === 'rlimit_cpu') return exact[kind].get('rlimit_cpu');
  for (const row of prefixed[kind].values()) {
    const prefix = row.key.slice(0, -1);
    if (key.startsWith(prefix) && (prefix === '' || key.length > prefix.length)) return row;
  }
  return undefined;
}

/** The plugin that a key belongs to, so that its presence loads it; undefined: the kernel's own, or nobody's. */
export function ownerOf(kind: SectionKind, key: string): string | undefined {
  return optionOf(kind, key)?.owner ?? undefined;
}

/**
 * The known key that was probably meant by an unknown one, rather one that is not `written` beside it; `more` are keys
 * of third-party plugins.
 */
export function nearestKey(
  kind: SectionKind,
  key: string,
  more: readonly string[] = [],
  written: ReadonlyMap<string, unknown> = new Map(),
): string | undefined {
  const meant = nearestOfAll(kind, key, more);
  if (meant === undefined || !written.has(meant)) return meant;
  return search(kind, key, more, (known) => !written.has(known)) ?? meant;
}

function nearestOfAll(kind: SectionKind, key: string, more: readonly string[]): string | undefined {
  if (more.length > 0) return search(kind, key, more);
  const question = `${kind} ${key}`;
  if (!answers.has(question) && answers.size < 1000) answers.set(question, search(kind, key, []));
  return answers.has(question) ? answers.get(question) : search(kind, key, []);
}

/** The same typing error tends to be in many sections. */
const answers = new Map<string, string | undefined>();

function search(
  kind: SectionKind,
  key: string,
  more: readonly string[],
  suits: (known: string) => boolean = () => true,
): string | undefined {
  const keys = [...schema[kind].map((row) => row.key), ...more].filter(suits);
  return nearest(
    key,
    keys.map((known) => {
      if (!known.endsWith('*')) return known;
      const separator = key.indexOf(known.at(-2) ?? '');
      return known.slice(0, -1) + (separator < 0 ? '' : key.slice(separator + 1));
    }),
  );
}

function option([key, type, text, owner, about]: Row): Option {
  return { key, type, default: text, owner, about };
}

function indexOf(wanted: (row: Option) => boolean): Record<SectionKind, Map<string, Option>> {
  const index = (kind: SectionKind): Map<string, Option> =>
    new Map(schema[kind].filter(wanted).map((row) => [row.key, row]));
  return { circus: index('circus'), watcher: index('watcher'), socket: index('socket'), plugin: index('plugin') };
}
