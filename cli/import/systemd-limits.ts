/** Limits, priorities and rights of systemd units, each as an option of the plugin limits. */
import type { Entry, WatcherDraft } from './draft.js';
import type { Unit } from './systemd-exec.js';
import { secondsIn } from './systemd-unit.js';

const unlimited = 'unlimited';

function boundIn(name: string, text: string): number | undefined {
  if (text === 'infinity') return Infinity;
  const [, digits, unit = ''] = /^(\d+)\s*([KMGTPE]?)$/i.exec(text) ?? [];
  if (digits !== undefined) return Number(digits) * 1024 ** ' KMGTPE'.indexOf(unit.toUpperCase() || ' ');
  return name === 'cpu' ? secondsIn(text) : undefined;
}

/** `LimitNOFILE=1024:4096` and its like. */
export const limit = (watcher: WatcherDraft, entry: Entry): void => {
  const name = entry.key.slice('Limit'.length).toLowerCase();
  const [soft, hard = soft, ...more] = entry.value.split(':').map((part) => boundIn(name, part.trim()));
  if (soft === undefined || hard === undefined || more.length > 0)
    watcher.report(entry, `"${entry.value}" is not a number`);
  else if (soft > hard) watcher.report(entry, 'its soft limit is above the hard one');
  else {
    const [low, high] = [soft, hard].map((bound) => (bound === Infinity ? unlimited : String(bound)));
    watcher.set(`rlimit_${name}`, low !== high ? `${low}:${high}` : low === unlimited ? '' : low!, entry);
  }
};

/** `CPUAffinity=0 2-3`. */
export const affinity = (watcher: WatcherDraft, entry: Entry): void => {
  const parts = entry.value.split(/[\s,]+/);
  if (parts.every((part) => /^\d{1,5}(-\d{1,5})?$/.test(part))) watcher.set('cpu_affinity', parts.join(','), entry);
  else watcher.report(entry, `"${entry.value}" is no list of processors`);
};

/** `NoNewPrivileges=yes` and its like. */
export const isYes = (text: string | undefined): boolean => /^(1|yes|y|true|t|on)$/i.test(text ?? '');

const diskClasses = ['none', 'realtime', 'best-effort', 'idle'];

/** Maps the keys that make one option together: priorities, groups and capabilities. */
export function importRights(unit: Unit): void {
  const { watcher, entries, value } = unit;
  const last = (key: string): Entry | undefined => entries.findLast((entry) => entry.key === key);
  const disk = last('IOSchedulingClass') ?? last('IOSchedulingPriority');
  if (disk)
    setPriority(watcher, 'ionice', disk, diskClassIn(value('IOSchedulingClass'), value('IOSchedulingPriority')));
  const policy = last('CPUSchedulingPolicy');
  if (policy) setPriority(watcher, 'sched', policy, policyIn(policy.value, value('CPUSchedulingPriority')));
  const groups = last('SupplementaryGroups');
  if (groups) {
    const all = entries.filter(({ key }) => key === groups.key).flatMap((entry) => entry.value.split(/\s+/));
    if (watcher.set('groups', [...new Set(all)].join(', '), groups))
      watcher.report(groups, 'here they take the place of the groups that the user is in', 'add those to "groups"');
  }
  importCapabilities(unit);
}

function setPriority(watcher: WatcherDraft, key: string, entry: Entry, text: string | undefined): void {
  if (text === undefined) watcher.report(entry, `"${entry.value}" with its priority is nothing that ${key} can be`);
  else watcher.set(key, text, entry);
}

function diskClassIn(written = 'best-effort', level = '4'): string | undefined {
  const name = /^[1-3]$/.test(written) ? diskClasses[Number(written)]! : written;
  if (name === 'idle') return name;
  return /^(best-effort|realtime)$/.test(name) && /^[0-7]$/.test(level) ? `${name} ${level}` : undefined;
}

function policyIn(name: string, level = '1'): string | undefined {
  if (/^(other|batch|idle)$/.test(name)) return name;
  return /^(fifo|rr)$/.test(name) && /^[1-9]\d?$/.test(level) ? `${name} ${level}` : undefined;
}

/** A set of capabilities: those that are named, or all others. */
interface Capabilities {
  readonly others: boolean;
  readonly names: ReadonlySet<string>;
}

/** What lines such as `CAP_KILL CAP_CHOWN` and `~CAP_KILL` leave together; nothing at all empties the set. */
function capabilitiesIn(entries: readonly Entry[]): Capabilities {
  let found: Capabilities | undefined;
  for (const { value } of entries) {
    const isInverted = value.startsWith('~');
    const names = value
      .replace(/^~/, '')
      .split(/\s+/)
      .filter(Boolean)
      .map((name) => name.toLowerCase().replace(/^cap_/, ''));
    const { others, names: before }: Capabilities = found ?? { others: isInverted, names: new Set() };
    const isGrowing = others === isInverted;
    const after = isGrowing ? [...before, ...names] : [...before].filter((name) => !names.includes(name));
    found = value === '' ? { others: false, names: new Set() } : { others, names: new Set(after) };
  }
  return found ?? { others: false, names: new Set() };
}

function importCapabilities({ watcher, entries, value }: Unit): void {
  const of = (key: string) => entries.filter((entry) => entry.key === key);
  const [ambient, bounding] = [of('AmbientCapabilities'), of('CapabilityBoundingSet')];
  const from = bounding.at(-1) ?? ambient.at(-1);
  if (!from) return;
  const given = capabilitiesIn(ambient);
  if (given.others) {
    watcher.report(ambient.at(-1)!, 'only capabilities that are named are given', 'name them in "capabilities"');
    return;
  }
  const kept = bounding.length === 0 ? { others: true, names: new Set<string>() } : capabilitiesIn(bounding);
  const added = [...given.names].filter((name) => kept.names.has(name) !== kept.others);
  const words = kept.others ? [...kept.names].map((name) => `-${name}`) : ['-all'];
  // Root has all that it may have; anybody else has what he is given, and + would give him more.
  const isRoot = /^(root|0)?$/.test(value('User') ?? '');
  const lost = kept.others || isRoot ? [] : [...kept.names].filter((name) => !given.names.has(name));
  const plus = !kept.others && isRoot ? [...kept.names] : added;
  const all = [...words, ...plus.map((name) => `+${name}`)];
  if (all.length > 0) watcher.set('capabilities', all.join(', '), from);
  if (lost.length > 0)
    watcher.report(from, `what it may get, but has not, it cannot get here: ${lost.join(', ')}`, 'see "capabilities"');
}
