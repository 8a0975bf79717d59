/** What a watcher says about the others that it comes after. */
import { reasonOf, type WatcherSpec } from '#core';
import type { Flaw } from '../flaw.js';
import { mustBe } from '../must-be.js';
import { didYouMean } from '../nearest.js';
import { isAddress, readOutside, type Outside } from './outside.js';

export const kinds = ['requires', 'wants', 'after'] as const;
/** How much it matters: it can't do without, it can, or it is only about the order. */
export type Kind = (typeof kinds)[number];

export const conditions = ['started', 'ready', 'completed', 'completed_ok'] as const;
/** What has to be so before it starts. */
export type Condition = (typeof conditions)[number];

const policies = ['ignore', 'restart', 'stop'] as const;
/** What is done with it when a watcher that it requires was away, or was replaced. */
type Policy = (typeof policies)[number];

/** One entry of a list. */
export interface Need {
  readonly kind: Kind;
  /** As written: a watcher's name, or an address. */
  readonly on: string;
  readonly condition: Condition;
  /** What has that address; undefined for a watcher. */
  readonly outside: Outside | undefined;
  /** It stands behind another word, where perhaps a condition was meant. */
  readonly follows: boolean;
}

/** All that a watcher says. */
export interface Settings {
  readonly needs: readonly Need[];
  readonly policy: Policy;
  /** What is wrong whatever other watchers there are. */
  readonly flaws: readonly Flaw[];
}

const policyKey = 'on_dependency_restart';
const isCondition = (word: string): word is Condition => (conditions as readonly string[]).includes(word);
const isPolicy = (text: string): text is Policy => (policies as readonly string[]).includes(text);

function needOf(kind: Kind, on: string, follows: boolean): Need {
  if (!isAddress(on)) return { kind, on, condition: 'ready', outside: undefined, follows };
  if (kind === 'after')
    throw new Error(`names "${on}", and is about watchers only: "requires" and "wants" wait for what is outside`);
  return { kind, on, condition: 'ready', outside: readOutside(on), follows };
}

/** What stands between two commas: mostly one name, perhaps with its condition. */
function readPart(kind: Kind, part: string): readonly Need[] {
  const needs: Need[] = [];
  const words = part.split(/\s+/).filter((word) => word !== '');
  words.forEach((word, at) => {
    const last = needs.at(-1);
    if (!last || !isCondition(word)) return needs.push(needOf(kind, word, at > 0));
    if (last.outside) throw new Error(`has "${word}" behind ${last.on}, and what is outside can only be there or not`);
    return (needs[needs.length - 1] = { ...last, condition: word });
  });
  return needs;
}

function readList(kind: Kind, value: unknown): readonly Need[] {
  const texts: readonly unknown[] = Array.isArray(value) ? value : [value ?? ''];
  if (!texts.every((text) => typeof text === 'string')) throw new Error('must be a list of names');
  return texts.flatMap((text) => text.split(/[,\n]/)).flatMap((part) => readPart(kind, part));
}

const read = new WeakMap<WatcherSpec['options'], Settings>();

/** Reads what a watcher says; what has a flaw is left out. */
export function settingsOf({ options }: Pick<WatcherSpec, 'options'>): Settings {
  const known = read.get(options);
  if (known) return known;
  const flaws: Flaw[] = [];
  const needs = kinds.flatMap((kind) => {
    try {
      return readList(kind, options[kind]);
    } catch (error) {
      flaws.push({ key: kind, message: reasonOf(error) });
      return [];
    }
  });
  const given = options[policyKey] ?? 'ignore';
  const text = typeof given === 'string' ? given.trim() : '';
  const policy = isPolicy(text) ? text : undefined;
  if (!policy) {
    const { message } = mustBe('ignore, restart or stop', given, didYouMean(text, policies));
    flaws.push({ key: policyKey, message });
  }
  const settings = { needs, flaws, policy: policy ?? ('ignore' as const) };
  read.set(options, settings);
  return settings;
}
