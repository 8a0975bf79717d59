/** Groups and labels of watchers, and the texts that choose watchers by them: `web-* @api tier=web,team!=a`. */
import { globToRegExp } from './glob.js';

/** What is chosen; one of which only the name is known is in no group, and no label is about it. */
export interface Subject {
  readonly name: string;
  readonly options?: Readonly<Record<string, unknown>> | undefined;
}

/** One part of a selector. */
export interface Term {
  readonly text: string;
  /** `name` is one that can be no pattern. */
  readonly kind: 'name' | 'glob' | 'group' | 'labels';
  readonly matches: (subject: Subject) => boolean;
}

const labelKey = 'label.';
const label = /^([^\s,=!@*?[\]]+)(!?=)([^,\s=]+)$/;
/** What names of groups and of labels may look like. */
export const isWord = (text: string): boolean => /^[^\s,=!@*?[\]]+$/.test(text);
/** A text as such a name. */
export const asWord = (text: string): string => text.replace(/[\s,=!@*?[\]]+/g, '-');
/** What the value of a label may look like, so that a selector can name it. */
export const isLabelValue = (text: string): boolean => /^[^,\s=]+$/.test(text);

/** True for a text that is no plain name: a pattern, `@GROUP`, or labels. */
export const isSelector = (text: string): boolean => /(?:^|[\s,])@|[*?[=]/.test(text);

/** The names between commas or blanks, each once; `group` may be a list, too. */
export function groupsIn(value: unknown): readonly string[] {
  const texts = Array.isArray(value) ? value.map(String) : [typeof value === 'string' ? value : ''];
  return [...new Set(texts.flatMap((text) => text.split(/[\s,]+/)).filter((name) => name !== ''))];
}

/** What a watcher belongs to. */
interface Belongings {
  readonly groups: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** Options never change: a watcher gets new ones. */
const known = new WeakMap<object, Belongings>();
const nothing: Belongings = { groups: [], labels: {} };

function belongingsOf({ options }: Subject): Belongings {
  if (options === undefined) return nothing;
  const found = known.get(options) ?? { groups: groupsIn(options['group']), labels: labelsIn(options) };
  known.set(options, found);
  return found;
}

function labelsIn(options: object): Belongings['labels'] {
  const isLabel = (entry: readonly [string, unknown]): entry is [string, string | number | boolean] =>
    entry[0].startsWith(labelKey) && ['string', 'number', 'boolean'].includes(typeof entry[1]);
  const all = Object.entries(options).filter(isLabel);
  return Object.fromEntries(all.map(([key, value]) => [key.slice(labelKey.length), String(value)]));
}

/** The groups of a watcher, as it names them. */
export const groupsOf = (subject: Subject): readonly string[] => belongingsOf(subject).groups;

/** The labels of a watcher, names to values. */
export const labelsOf = (subject: Subject): Readonly<Record<string, string>> => belongingsOf(subject).labels;

/** A test for texts by a pattern, without regard to case. */
export function like(pattern: string): (text: string) => boolean {
  const regex = globToRegExp(pattern.toLowerCase());
  return (text) => regex.test(text.toLowerCase());
}

/** Whether a watcher has the label of `NAME=VALUE`, or has not, for `NAME!=VALUE`. */
function labelTest(text: string): (subject: Subject) => boolean {
  const [, name = '', sign, value = ''] = label.exec(text) ?? [];
  const fits = like(value);
  const key = name.toLowerCase();
  return (subject) => {
    const has = Object.entries(labelsOf(subject)).some(([own, text]) => own.toLowerCase() === key && fits(text));
    return subject.options !== undefined && has === (sign === '=');
  };
}

function term(text: string): Term {
  const isNamed = like(text);
  if (label.test(text.split(',')[0]!)) {
    const tests = text.split(',').map(labelTest);
    const matches = (subject: Subject) => isNamed(subject.name) || tests.every((test) => test(subject));
    return { text, kind: 'labels', matches };
  }
  if (text.startsWith('@')) {
    const isGroup = like(text.slice(1));
    return { text, kind: 'group', matches: (subject) => isNamed(subject.name) || groupsOf(subject).some(isGroup) };
  }
  return { text, kind: isSelector(text) ? 'glob' : 'name', matches: ({ name }) => isNamed(name) };
}

/** What stands between the parts of a selector. */
const separators = { anything: /([\s,]+)/, commas: /(\s*,\s*)/ } as const;

/**
 * The parts of a selector, of which a watcher must fit one: names and patterns, `@GROUP`, and `NAME=VALUE` or
 * `NAME!=VALUE` of labels, all of which it must fit where a comma joins them. Blanks and commas are between the others,
 * or only commas where names have blanks. Case does not count.
 */
export function readSelector(text: string, between: keyof typeof separators = 'anything'): readonly Term[] {
  const texts: string[] = [];
  let isLabel = false;
  // Every second piece is what stands between.
  const pieces = text.trim().split(separators[between]);
  for (let at = 0; at < pieces.length; at += 2) {
    const piece = pieces[at]!;
    const joins = isLabel && label.test(piece) && pieces[at - 1]!.includes(',');
    isLabel = label.test(piece);
    if (joins) texts.push(`${texts.pop()},${piece}`);
    else if (piece !== '') texts.push(piece);
  }
  return texts.map(term);
}
