/** Imports systemd's socket units: the sockets of the services that are imported with them. */
import { basename, dirname, join } from 'node:path';
import { applyRules, type Draft, type Entry, type Rules, type SectionDraft, type WatcherDraft } from './draft.js';
import { textOf, type Files } from './files.js';
import type { Unit } from './systemd-exec.js';
import { isYes } from './systemd-limits.js';
import { effective, expandSpecifiers, readUnit, type UnitEntry } from './systemd-unit.js';

/** One socket unit. */
interface SocketUnit {
  /** Its name, such as `web.socket`. */
  readonly name: string;
  readonly service: string;
  readonly entries: readonly UnitEntry[];
}

const kinds: Readonly<Record<string, string>> = {
  ListenStream: 'SOCK_STREAM',
  ListenDatagram: 'SOCK_DGRAM',
  ListenSequentialPacket: 'SOCK_SEQPACKET',
};

/** True for the path of a socket unit. */
export const isSocketUnit = (path: string): boolean => path.endsWith('.socket');

/** The paths of services and socket units, with the sockets beside their services and the services beside their sockets. */
export function withPartners(paths: readonly string[], files: Files): readonly string[] {
  const all = new Set(paths);
  // What is added meanwhile is come to as well.
  for (const path of all) for (const partner of partnersOf(path, files)) all.add(partner);
  return [...all];
}

function partnersOf(path: string, files: Files): readonly string[] {
  // Only names are looked for here: what is wrong in the file is told when it is imported.
  const lines = (textOf(files, path) ?? '').matchAll(/^\s*(?:Sockets|Service)\s*=\s*(.*)$/gm);
  const named = [...lines].flatMap(([, names]) => names!.trim().split(/\s+/));
  const [own, other] = isSocketUnit(path) ? ['.socket', '.service'] : ['.service', '.socket'];
  const twin = path.endsWith(own) ? [path.slice(0, -own.length) + other] : [];
  const beside = named.filter((name) => name.endsWith(other)).map((name) => join(dirname(path), name));
  return [...twin, ...beside].filter((one) => textOf(files, one) !== undefined);
}

/** Reads one socket unit with its drop-ins. */
export function readSocketUnit(draft: Draft, path: string, files: Files): SocketUnit | undefined {
  const text = files.read(path);
  if (typeof text !== 'string') {
    draft.tell(text);
    return undefined;
  }
  const dropIns = files.find(`${path}.d/*.conf`).map((file) => readUnit(draft, file, textOf(files, file) ?? ''));
  const all = effective([readUnit(draft, path, text), ...dropIns].flat(), (key) => key.startsWith('Listen'));
  const name = basename(path);
  const entries = all.map((entry) => ({
    ...entry,
    value: expandSpecifiers(entry.value, path, (specifier) => {
      draft.report(entry, `${specifier} in ${name}`, 'the importer does not know what it stands for');
    }),
  }));
  const service = entries.find(({ key }) => key === 'Service')?.value ?? name.replace(/socket$/, 'service');
  return { name, service, entries };
}

/** Gives the services their sockets; with one they start at the first client, unless they are also started by themselves. */
export function importSockets(draft: Draft, sockets: readonly SocketUnit[], units: readonly Unit[]): void {
  for (const unit of units) {
    const { watcher, value } = unit;
    const named = value('Sockets')?.split(/\s+/) ?? [];
    const own = sockets.filter(({ name, service }) => watcher.ids.includes(service) || named.includes(name));
    const made = own.flatMap((socket) => importSocketUnit(draft, socket, watcher));
    // What comes after its sockets always does here.
    const names = own.map(({ name }) => name);
    const kept = watcher.relations.filter(({ target }) => !names.includes(target));
    watcher.relations.splice(0, watcher.relations.length, ...kept);
    if (made.length > 0) give(unit, made);
    for (const name of named.filter((one) => !names.includes(one)))
      watcher.report(
        { ...watcher.origin, key: 'Sockets', value: name },
        `there is no "${name}" beside it`,
        'import it too',
      );
  }
  for (const { name, service, entries } of sockets) {
    if (
      units.some(({ watcher, value }) => watcher.ids.includes(service) || value('Sockets')?.split(/\s+/).includes(name))
    )
      continue;
    draft.report(
      entries[0] ?? { source: draft.source },
      name,
      `its service "${service}" is not among what is imported`,
    );
  }
}

function give({ watcher, entries, value }: Unit, sockets: readonly SectionDraft[]): void {
  const from: Entry = { ...sockets[0]!.origin, key: 'the socket', value: '' };
  for (const socket of sockets) if (!isYes(value('NonBlocking'))) socket.set('blocking', true, from);
  if (value('StandardInput') === 'socket') watcher.set('stdin_socket', sockets[0]!.name, from);
  else {
    watcher.set('sockets', sockets.map(({ name }) => name).join(', '), from);
    watcher.set('listen_fds', true, from);
  }
  const isStarted = entries.some(({ section, key }) => section === 'Install' && /^(WantedBy|RequiredBy)$/.test(key));
  if (!isStarted) watcher.set('on_demand', true, from);
}

function importSocketUnit(draft: Draft, { name, entries }: SocketUnit, watcher: WatcherDraft): SectionDraft[] {
  const accept = entries.findLast(({ key }) => key === 'Accept');
  if (isYes(accept?.value)) {
    const why = 'circusd starts no process for each connection';
    draft.report(accept!, `Accept of ${name}`, why, 'let the program accept, or leave the socket to systemd');
    return [];
  }
  const label = entries.findLast(({ key }) => key === 'FileDescriptorName')?.value ?? name;
  const listeners = entries.filter(({ key }) => Object.hasOwn(kinds, key));
  const made = listeners.flatMap((entry) => {
    const address = addressIn(entry.value);
    if (address === undefined) {
      draft.report(
        entry,
        `${entry.key} of ${name}`,
        `"${entry.value}" is no address that a socket of circusd can have`,
      );
      return [];
    }
    const socket = draft.socket(label, entry);
    socket.label = name;
    if (entry.key !== 'ListenStream') socket.set('type', kinds[entry.key]!, entry);
    for (const [key, text] of Object.entries(address)) socket.set(key, text, entry);
    if ('path' in address) socket.options.set('mode', '0666').set('replace', 'True');
    applyRules(socket, entries, 'path' in address ? { ...rules, ...fileRules } : rules, unlike);
    return [socket];
  });
  const others = entries.filter(({ key }) => key.startsWith('Listen') && !Object.hasOwn(kinds, key));
  for (const entry of others) draft.report(entry, `${entry.key} of ${name}`, 'circusd opens sockets only');
  if (made.length === 0 && others.length === 0 && listeners.length === 0)
    draft.report(watcher.origin, name, 'it names no address to listen on');
  return made;
}

/** What `80`, `127.0.0.1:80`, `[::1]:80` and `/run/web.sock` are as options of a socket. */
function addressIn(text: string): Readonly<Record<string, string>> | undefined {
  if (text.startsWith('/')) return { path: text };
  const [, six, four, digits = ''] = /^(?:\[([\da-f:.]+)\]:|([\d.]+):)?(\d{1,5})$/i.exec(text) ?? [];
  if (digits === '' || Number(digits) > 65_535) return undefined;
  const port = String(Number(digits));
  if (four !== undefined) return /^\d+\.\d+\.\d+\.\d+$/.test(four) ? { host: four, port } : undefined;
  return { host: six ?? '::', port, family: 'AF_INET6' };
}

const unlike = 'a socket of circusd has no such setting';
const rules: Rules<SectionDraft, string> = {
  ...Object.fromEntries(
    [...Object.keys(kinds), 'ListenFIFO', 'ListenSpecial', 'ListenNetlink'].map((key) => [key, null]),
  ),
  ...Object.fromEntries(['ListenMessageQueue', 'ListenUSBFunction', 'Accept', 'Service'].map((key) => [key, null])),
  ...Object.fromEntries(['Description', 'Documentation', 'WantedBy', 'PartOf', 'Before'].map((key) => [key, null])),
  ...Object.fromEntries(['FileDescriptorName', 'RemoveOnStop', 'DirectoryMode'].map((key) => [key, null])),
  SocketMode: null,
  SocketUser: null,
  SocketGroup: null,
  Backlog: 'backlog',
  BindToDevice: 'interface',
};
/** What counts for a socket with a file only. */
const fileRules: Rules<SectionDraft, string> = { SocketMode: 'mode', SocketUser: 'owner', SocketGroup: 'group' };
