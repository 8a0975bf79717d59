/** What Compose says about the resources and the rights of a service. */
import type { Tree } from '../config/tree.js';
import { setGroupLimit } from './cgroup.js';
import { entriesIn, itemsIn, textIn, valueIn } from './data.js';
import { origin, type Entry, type Rules, type WatcherDraft } from './draft.js';

type Map = (watcher: WatcherDraft, entry: Entry<Tree>) => void;

/** A limit of the service as a whole; 0 and -1 are none. */
const group =
  (name: Parameters<typeof setGroupLimit>[1]): Map =>
  (watcher, entry) => {
    const text = textIn(entry.value);
    if (!/^(0|-1)$/.test(text)) setGroupLimit(watcher, name, text, entry);
  };

/** Docker's shares are 1024 where the kernel's weights are 100. */
const shares: Map = (watcher, entry) => {
  const text = textIn(entry.value);
  const weight = Math.min(10_000, Math.max(1, Math.round((Number(text) * 100) / 1024)));
  if (!/^\d+$/.test(text)) watcher.report(entry, `"${text}" is not a whole number`);
  else if (text !== '0') setGroupLimit(watcher, 'cpu_weight', String(weight), entry);
};

const usualPeriod = 100_000;

/** `cpu_quota` microseconds in each `cpu_period`. */
function quota(period: Tree | undefined): Map {
  return (watcher, entry) => {
    const [part, whole] = [textIn(entry.value), textIn(period) || String(usualPeriod)].map((text) =>
      /^\d+$/.test(text) ? Number(text) : NaN,
    );
    const share = Math.round((part! / whole!) * 1000) / 1000;
    if (part === 0 || textIn(entry.value) === '-1') return;
    if (Number.isFinite(share)) setGroupLimit(watcher, 'cpu_max', String(share), entry);
    else watcher.report(entry, 'it and cpu_period should be microseconds, as whole numbers');
  };
}

/** `deploy.resources`: its limits are those of the service. */
export const importResources: Map = (watcher, entry) => {
  for (const { key, value, line } of entriesIn(entry.value)) {
    if (key !== 'limits')
      watcher.report(
        { ...origin(entry.source, line), key: `${entry.key}.${key}`, value },
        'circusd sets nothing aside',
      );
    for (const one of key === 'limits' ? entriesIn(value) : []) {
      const rule = { cpus: group('cpu_max'), memory: group('memory_max'), pids: group('pids_max') }[one.key];
      const from = { ...origin(entry.source, one.line), key: `${entry.key}.limits.${one.key}`, value: one.value };
      if (rule) rule(watcher, from);
      else watcher.report(from, 'the importer does not know it');
    }
  }
};

const importLimits: Map = (watcher, entry) => {
  for (const { key, value, line } of entriesIn(entry.value)) {
    const one = { ...origin(entry.source, line), key: `ulimits.${key}`, value };
    const bounds = [valueIn(value, 'soft') ?? value, valueIn(value, 'hard') ?? value].map(textIn);
    const [soft = '', hard = ''] = bounds.map((text) => (text === '-1' ? 'unlimited' : text));
    if (!/^[a-z]+$/.test(key)) watcher.report(one, 'there is no limit of this name');
    else if (bounds.some((text) => !/^(-1|\d{1,15})$/.test(text))) watcher.report(one, 'it is not a number');
    else if (soft === hard) watcher.set(`rlimit_${key}`, soft === 'unlimited' ? '' : soft, one);
    else if (soft === 'unlimited' || Number(soft) > Number(hard))
      watcher.report(one, 'its soft limit is above the hard one');
    else watcher.set(`rlimit_${key}`, `${soft}:${hard}`, one);
  }
};

/** `cap_drop` and `cap_add` become one option, in this order. */
const capabilities =
  (sign: '+' | '-'): Map =>
  (watcher, entry) => {
    const names = itemsIn(entry.value).map((item) => textIn(item).toLowerCase().replace(/^cap_/, ''));
    const before = watcher.options.get('capabilities')?.split(', ') ?? [];
    const own = names.map((name) => `${sign}${name}`);
    const all = sign === '-' ? [...own, ...before] : [...before, ...own];
    if (all.every((word) => /^[+-]\w+$/.test(word))) watcher.set('capabilities', all.join(', '), entry);
    else watcher.report(entry, 'it is no list of capabilities');
  };

const security: Map = (watcher, entry) => {
  for (const item of itemsIn(entry.value)) {
    const option = textIn(item);
    if (/^no-new-privileges([:=]true)?$/.test(option)) watcher.set('no_new_privileges', true, entry);
    else if (!/^no-new-privileges[:=]false$/.test(option)) watcher.report(entry, `"${option}" is about containers`);
  }
};

const groups: Map = (watcher, entry) => {
  const names = itemsIn(entry.value).map(textIn);
  if (!watcher.set('groups', names.join(', '), entry)) return;
  watcher.report(entry, 'here they take the place of the groups that the user is in', 'add those to "groups"');
};

const text =
  (key: string): Map =>
  (watcher, entry) =>
    void watcher.set(key, textIn(entry.value), entry);

/** The rules for these settings of a service, which are `service`. */
export const limitRules = (service: Tree): Rules<WatcherDraft, Tree> => ({
  ulimits: importLimits,
  mem_limit: group('memory_max'),
  cpus: group('cpu_max'),
  cpu_quota: quota(valueIn(service, 'cpu_period')),
  cpu_period: null,
  cpu_shares: shares,
  pids_limit: group('pids_max'),
  cap_add: capabilities('+'),
  cap_drop: capabilities('-'),
  security_opt: security,
  group_add: groups,
  oom_score_adj: text('oom_score_adj'),
  cpuset: text('cpu_affinity'),
});
