/** Replies about several watchers, each with a part of its own: what they answered, and what went wrong. */
import { plain } from '#plugins/plain.js';
import type { Reply } from './failure.js';
import { complaintIn, refusalAsText, replyAsText } from './reply.js';
import type { CommandFacts } from './table.js';

type Facts = Pick<CommandFacts, 'name' | 'role'>;

const isReply = (value: unknown): value is Reply => typeof value === 'object' && value !== null;

/** The parts by watcher; undefined when the reply is about one, or about all. */
function partsOf({ replies }: Reply): readonly (readonly [string, Reply])[] | undefined {
  if (!isReply(replies)) return undefined;
  return Object.entries(replies).flatMap(([name, part]) => (isReply(part) ? [[name, part] as const] : []));
}

const isRefused = ({ status }: Reply) => status === 'error';

/** What went wrong, a line for each watcher; undefined when nothing did. */
export function failureIn({ name }: Facts, reply: Reply): string | undefined {
  const wrong = (one: Reply) => (isRefused(one) ? refusalAsText(name, one) : complaintIn(name, one));
  const parts = partsOf(reply);
  if (!parts) return wrong(reply);
  const lines = parts.flatMap(([watcher, part]) => {
    const text = wrong(part);
    return text === undefined ? [] : [`error: ${plain(watcher)}: ${text.replace(/^error: /, '')}`];
  });
  return lines.length === 0 ? undefined : lines.join('\n');
}

/** What was answered as text, of several watchers with their names; what went wrong is left out. */
export function answersAsText(command: Facts, reply: Reply): string {
  const parts = partsOf(reply);
  if (!parts) return isRefused(reply) ? '' : replyAsText(command, reply);
  return parts
    .filter(([, part]) => !isRefused(part) && complaintIn(command.name, part) === undefined)
    .map(([watcher, part]) => titled(plain(watcher), replyAsText(command, part).trimEnd()))
    .join('');
}

/** A text below the name of a watcher, or beside it when it is one line. */
function titled(name: string, text: string): string {
  // Circus's own text for one watcher has the name already.
  if (text.startsWith(`${name}:`)) return `${text}\n`;
  return text.includes('\n') ? `${name}:\n${text.replace(/^/gm, '  ')}\n` : `${name}: ${text}\n`;
}
