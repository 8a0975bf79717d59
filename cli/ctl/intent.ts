/** The replies of `disable`, `enable` and `rollback` as text. */
import { plain } from '#plugins/plain.js';
import type { Reply } from './failure.js';
import { asPython, fields, list, nested } from './python.js';

type Fields = Readonly<Record<string, unknown>>;

/** The keys of a change, one in a line. */
export const keyLines = (keys: unknown): string[] =>
  list(keys).map((change) => {
    const { key, before, after } = fields(change);
    return `    ${asPython(key)}: ${nested(before)} -> ${nested(after)}`;
  });

const names = (value: unknown) => list(value).map(asPython).join(', ');
const stamp = (seconds: unknown) => new Date(Number(seconds) * 1000).toISOString().replace(/\.\d+Z$/, 'Z');

/** Since when a spec was good, and how it went. */
function past({ good, replaced }: Fields): string {
  const { at, by } = fields(replaced);
  const end = at === undefined ? '' : `, replaced at ${stamp(at)}${typeof by === 'string' ? ` by ${by}` : ''}`;
  return plain(`good since ${stamp(good)}${end}`);
}

const steps = (all: unknown, verb: string): string[] =>
  list(all).flatMap((one) => {
    const { watcher, keys, ...spec } = fields(one);
    return [plain(`${asPython(watcher)} ${verb} the spec that was ${past(spec)}`), ...keyLines(keys)];
  });

const present: Readonly<Record<string, string>> = {
  good: 'its present spec is good',
  new: 'its present spec is not known to be good yet',
  unfit: 'its present spec can’t be kept: it is very long, or has a secret in another place than its variable',
};

function specLines(one: unknown): string[] {
  const { watcher, present: verdict, specs } = fields(one);
  const rows = list(specs).map(fields);
  return [
    plain(`${asPython(watcher)}: ${present[asPython(verdict)] ?? asPython(verdict)}`),
    ...(rows.length === 0 ? ['  there is no other one to go back to'] : []),
    ...rows.flatMap(({ number, keys, ...spec }) => [`  ${asPython(number)}: ${past(spec)}`, ...keyLines(keys)]),
  ];
}

/** The replies as texts. */
export const intentPrinters: Readonly<Record<string, (reply: Reply) => string>> = {
  disable: ({ disabled }) => (disabled === undefined ? 'ok' : `disabled: ${plain(names(disabled))}`),
  enable({ enabled, started }) {
    if (enabled === undefined) return 'ok';
    if (list(enabled).length === 0) return 'it was not disabled';
    const more = list(started).length === 0 ? '' : `; started: ${plain(names(started))}`;
    return `enabled: ${plain(names(enabled))}${more}`;
  },
  rollback({ rolled_back, would_roll_back, good_specs }) {
    const lines = [
      ...steps(rolled_back, 'has again'),
      ...steps(would_roll_back, 'would get'),
      ...list(good_specs).flatMap(specLines),
    ];
    return lines.join('\n') || 'nothing to roll back: every watcher has its last good spec, or none was good yet';
  },
};
