/** Writes what an importer understood as INI text in circusd's dialect. */
import { splitWords } from '#core';
import { schema } from '../config/schema.js';
import { isBlank, strip } from '../config/text.js';
import { encodeValue, encodeWords } from './command.js';
import type { Draft, Origin, SectionDraft, WatcherDraft } from './draft.js';

/** For those who will look for a port. */
const endpointComment = [
  '# circusd and circusctl meet on a Unix socket. For the TCP ports of Circus',
  '# write "endpoints = circus" into [circus], or start circusd with --circus-endpoints.',
];

/** The INI text; what has no way into it is reported to the draft. */
export function writeIni(draft: Draft, from: string): string {
  for (const watcher of draft.watchers) {
    if (watcher.cmd === undefined) continue;
    linkWatcher(draft, watcher);
  }
  const shared = [...draft.env].filter(([name, value]) => isPlain(name, value));
  const difficult = [...draft.env].filter(([name, value]) => !isPlain(name, value));
  const sections = [
    draft.circus.options.size > 0 ? section('circus', draft.circus.origin, pairs(draft.circus)) : '',
    shared.length > 0 ? section('env', { source: draft.source }, shared) : '',
    ...draft.sockets.map((socket) => section(`socket:${socket.name}`, socket.origin, pairs(socket))),
    ...draft.watchers.map((watcher) => writeWatcher(watcher, difficult)),
  ];
  const heading = [`# Made by circusctl import from ${oneLine(from)}.`];
  if (!draft.circus.options.has('endpoint')) heading.push(...endpointComment);
  return `${[heading.join('\n'), ...sections.filter((text) => text !== '')].join('\n\n')}\n`;
}

/** Watchers of one configuration may name each other; names that mean nothing here are reported. */
function linkWatcher(draft: Draft, watcher: WatcherDraft): void {
  const lists = new Map<string, Set<string>>();
  for (const { key, target, from } of watcher.relations) {
    const meant = draft.watchers.filter(({ ids, cmd }) => cmd !== undefined && ids.includes(target));
    const names = meant.map(({ name }) => name).filter((name) => name !== watcher.name);
    if (names.length === 0) watcher.report(from, `"${target}" is not among what is imported`);
    for (const name of names) {
      if (/\s/.test(name)) watcher.report(from, `a list cannot name "${name}", because of the blank in it`);
      else lists.set(key, (lists.get(key) ?? new Set()).add(name));
    }
  }
  for (const [key, names] of lists) watcher.options.set(key, [...names].join(', '));
  if (watcher.groups.size > 0) watcher.options.set('group', [...watcher.groups].join(', '));
}

function writeWatcher(watcher: WatcherDraft, shared: readonly (readonly [string, string])[]): string {
  if (watcher.cmd === undefined) return '';
  const all = new Map([...shared, ...watcher.env]);
  const plain = [...all].filter(([name, value]) => isPlain(name, value));
  // What the dialect would change goes through env(1), which changes nothing.
  const words: string[] = [];
  for (const [name, value] of all) {
    if (isPlain(name, value)) continue;
    if (/^[^=-][^=]*$/.test(name) && !/[\r\0]/.test(name + value)) words.push(`${name}=${value}`);
    else {
      const what = `variable ${JSON.stringify(name)} of "${watcher.name}"`;
      watcher.draft.report(watcher.origin, what, 'its name or value cannot be written in an INI file');
    }
  }
  // A program with = in its name would be one more variable to env(1).
  const program = splitWords(watcher.cmd.replaceAll('\n    ', '\n'))[0]!;
  const between = program.includes('=') ? ['sh', '-c', 'exec "$@"', 'sh'] : [];
  const prefix = words.length > 0 ? `${encodeWords(['/usr/bin/env', ...words, ...between])} ` : '';
  if (watcher.envFiles.length > 0) watcher.options.set('env_file', watcher.envFiles.join(' '));
  return section(
    `watcher:${watcher.name}`,
    watcher.origin,
    [],
    [
      `cmd = ${prefix}${watcher.cmd}`,
      ...lines(pairs(watcher)),
      ...lines(plain.map(([name, value]) => [`env.${name}`, value])),
    ],
  );
}

/** True for a variable that the dialect can hold: no blanks that are stripped, no `$NAME` that is filled in. */
function isPlain(name: string, value: string): boolean {
  if (!/^[A-Za-z_][\w.-]*$/.test(name) || /^rem$/i.test(name) || name === '__name__') return false;
  return !/\$[A-Z]/.test(value) && strip(value) === value && encodeValue(value) !== undefined;
}

/** Options in the order of the schema, those of one stream or plugin together. */
function pairs(target: SectionDraft): (readonly [string, string])[] {
  const families = schema[target.kind].map((option) => familyOf(option.key));
  const rank = (key: string): number => families.indexOf(familyOf(key));
  return [...target.options].sort(([one], [other]) => rank(one) - rank(other));
}

function familyOf(key: string): string {
  return key.replace(/[._].*$/, '') === 'rlimit' ? 'rlimit' : key.replace(/\..*$/, '');
}

function lines(options: readonly (readonly [string, string])[]): string[] {
  return options.map(([key, value]) => `${key} = ${encodeValue(value)}`);
}

function section(
  name: string,
  { source, line }: Origin,
  options: readonly (readonly [string, string])[],
  text: readonly string[] = lines(options),
): string {
  return [`# ${oneLine(source)}${line === undefined ? '' : `:${line}`}`, `[${name}]`, ...text].join('\n');
}

function oneLine(text: string): string {
  return Array.from(text, (char) => (isBlank(char) || char === '\0' ? ' ' : char)).join('');
}
