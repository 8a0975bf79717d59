/** What is told of what operators decided about a watcher. */
import type { Watcher } from '#core';
import { inWords, type Explanation } from '../controller/service.js';
import type { Decisions, Disabled } from './decisions.js';
import { hashOf } from './kept-spec.js';
import type { OutOfService } from './out-of-service.js';
import type { Stability } from './stability.js';

/** Who knows what there is to tell. */
export interface Sources {
  readonly service: Pick<OutOfService, 'about' | 'isToRun'>;
  readonly decisions: Pick<Decisions, 'about'>;
  readonly stability: Pick<Stability, 'isUnproven'>;
}

const ago = (now: number, at: number) => `${inWords((now - at) / 1000)} ago`;

/** The word beside the state of a disabled watcher. */
export const markOf = ({ by, at, reason }: Disabled, now: number): string =>
  `disabled by ${by}, ${ago(now, at)}${reason === null ? '' : `: ${reason}`}`;

/** Facts and sentences, at the wall time `now` in ms; undefined where nothing was decided. */
export function explain(
  watcher: Watcher,
  { service, decisions, stability }: Sources,
  now: number,
): Explanation | undefined {
  const { name, spec } = watcher;
  const disabled = watcher.disabled === undefined ? undefined : service.about(name);
  const rolledBack = decisions.about('rolled_back', name);
  const isUnproven = stability.isUnproven(watcher);
  if (!disabled && !rolledBack && !isUnproven) return undefined;
  const returned = rolledBack?.hash === hashOf(spec);
  const keys = rolledBack?.keys.join(', ');
  const back = rolledBack && `by ${rolledBack.by} ${ago(now, rolledBack.at)}: ${keys}.`;
  return {
    facts: {
      ...(disabled && { disabled: { by: disabled.by, since: disabled.at / 1000, reason: disabled.reason } }),
      ...(rolledBack && {
        rolled_back: { by: rolledBack.by, at: rolledBack.at / 1000, keys: rolledBack.keys, returned },
      }),
    },
    text: [
      ...(back ? [returned ? `It has again what was rolled back ${back}` : `It was rolled back ${back}`] : []),
      ...(isUnproven
        ? [`Its spec is not known to be good yet; "circusctl rollback ${name}" takes the last good one.`]
        : []),
    ],
    next:
      disabled &&
      `Nothing starts it until it is enabled${service.isToRun(watcher) ? ', which starts it' : ''}: "circusctl enable ${name}".`,
  };
}
