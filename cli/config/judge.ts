/** What is wrong with sections as a whole, and the last form of all problems. */
import { resolve } from 'node:path';
import type { SocketSpec } from '#core';
import { nameIn, type Building } from './options.js';
import { byPlace, nearest, type Place, type Problem } from './problem.js';
import { anyWatcher, type WrittenSection } from './sections.js';
import { matches } from './pattern.js';

const kinds = ['circus', 'env', 'watcher', 'socket', 'plugin', 'defaults', 'group'];
/** Kinds whose sections may do without a name. */
const nameless = new Set(['env', 'defaults']);

/** Names that differ by case only would be one name to the controller. */
export function rejectDoubled(
  { problems }: Building,
  kind: string,
  all: readonly { readonly spec: { readonly name: string }; readonly section: WrittenSection }[],
): void {
  const seen = new Map<string, WrittenSection>();
  for (const { spec, section } of all) {
    const first = seen.get(spec.name.toLowerCase());
    if (first === undefined) seen.set(spec.name.toLowerCase(), section);
    else {
      const message = `${kind} "${spec.name}" has the same name as [${first.name}] (${first.file}:${first.line}); case does not count`;
      problems.push(at(section, 'error', message));
    }
  }
}

/** Of two sockets with one address only the first can be bound; hosts are compared as they are written. */
export function rejectDoubledAddresses(
  { problems }: Building,
  sockets: readonly {
    readonly spec: SocketSpec;
    readonly section: WrittenSection;
    readonly places: ReadonlyMap<string, Place>;
  }[],
): void {
  const broken = new Set(problems.flatMap(({ severity, section }) => (severity === 'error' ? section : [])));
  const taken = new Map<string, { readonly spec: SocketSpec; readonly section: WrittenSection }>();
  for (const { spec, section, places } of sockets) {
    if (broken.has(section.name) || (spec.path === null && spec.port === 0)) continue;
    const address = addressOf(spec);
    const first = taken.get(address);
    if (first === undefined) taken.set(address, { spec, section });
    if (first === undefined || (spec.path === null && spec.so_reuseport && first.spec.so_reuseport)) continue;
    const key = (spec.path === null ? ['port', 'host'] : ['path']).find((one) => places.has(one));
    const { file, line, column } = (key === undefined ? undefined : places.get(key)) ?? { ...section, column: 1 };
    const message = `socket "${spec.name}" has the same address as [${first.section.name}] (${first.section.file}:${first.section.line})`;
    problems.push({ severity: 'error', file, line, column, section: section.name, ...(key && { key }), message });
  }
}

/** What no two sockets can have in common. */
function addressOf({ path, family, type, proto, host, port, interface: device }: SocketSpec): string {
  if (path !== null) return resolve(path);
  const wildcard = family === 'AF_INET6' ? '::' : '0.0.0.0';
  return [family, type, proto ?? '', host.toLowerCase() || wildcard, port, device ?? ''].join(' ');
}

/** Sections of no known kind, and defaults that no watcher has. */
export function rejectUnknown({ written, known, problems }: Building): void {
  const watchers = [...written.sections.values()].filter(
    ({ name }) => name.startsWith('watcher:') && name !== anyWatcher,
  );
  for (const { section, patterns } of written.shared) {
    if (watchers.some((watcher) => patterns.some((pattern) => matches(nameIn(watcher), pattern)))) continue;
    problems.push(at(section, 'warning', `[${section.name}] matches no watcher and has no effect`));
  }
  for (const section of written.sections.values()) {
    if (isNamed(section.name)) continue;
    const [kind = '', ...rest] = section.name.split(':');
    if (kinds.includes(kind) && (nameless.has(kind) || (kind !== 'circus') === rest.length > 0)) continue;
    if (known.sections?.includes(kind)) continue;
    const meant = nearest(kind, [...kinds, ...(known.sections ?? [])]);
    const bare = meant === 'circus' || (meant !== undefined && nameless.has(meant) && rest.length === 0);
    const hint = meant === undefined ? '' : ` (did you mean [${meant}${bare ? '' : `:${rest.join(':') || 'NAME'}`}]?)`;
    problems.push(at(section, 'error', `[${section.name}] is no kind of section that is known${hint} and is ignored`));
  }
}

/** True for a section of the kinds that must have a name; most are. */
function isNamed(name: string): boolean {
  return (
    name.startsWith('watcher:') || name.startsWith('env:') || name.startsWith('socket:') || name.startsWith('plugin:')
  );
}

/** All problems by place, each told once, and what becomes of the section in those that are errors. */
export function finished(problems: readonly Problem[], files: readonly string[]): readonly Problem[] {
  const told = new Set<string>();
  const once = problems.filter(({ severity, section, file, line, column, message }) => {
    // What is wrong in shared sections concerns many: an error takes each of them out, a warning is one warning.
    const sign = [file, line, column, message, severity === 'error' ? section : ''].join('\0');
    return !told.has(sign) && told.add(sign);
  });
  return once.map(withFate).sort(byPlace(files));
}

function withFate(problem: Problem): Problem {
  const kind = /^(watcher|socket|plugin):/.exec(problem.section ?? '')?.[1];
  if (problem.severity !== 'error' || kind === undefined || problem.section === anyWatcher) return problem;
  return { ...problem, message: `${problem.message}; [${problem.section}] is left out` };
}

function at(section: WrittenSection, severity: Problem['severity'], message: string): Problem {
  return { severity, file: section.file, line: section.line, column: 1, section: section.name, message };
}
