/** Has other programs try out what hooks name: whatever that does while it is imported, it does not do it here. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import { reasonOf } from '#core';

/** What was said of one thing, or why nothing was. `likely`: nobody got as far as to see whether it is wrong. */
export type Verdict = { readonly said: unknown } | { readonly why: string; readonly likely: boolean };

/** How many programs try things out at a time. */
const atOnce = 2;
let running = 0;
const waiting: (() => void)[] = [];

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= atOnce) await new Promise<void>((go) => waiting.push(go));
  else running++;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running--;
  }
}

interface Outcome {
  /** The values that it wrote, one on a line; text that is none is undefined. */
  readonly lines: readonly unknown[];
  /** It was killed, having written nothing for so long. */
  readonly late: boolean;
  /** Why it ended, where it says. */
  readonly why: string;
}

function read(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function run(program: string, args: readonly string[], input: unknown, patience: number): Promise<Outcome> {
  return new Promise((done) => {
    const lines: unknown[] = [];
    let late = false;
    let errors = '';
    const child = spawn(program, args, { stdio: 'pipe' });
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
      // What it has started may still hold them.
      child.stdout.destroy();
      child.stderr.destroy();
    }, patience);
    const end = (why: string) => {
      clearTimeout(timer);
      done({ lines, late, why: errors.trim().split('\n').at(-1) || why });
    };
    createInterface({ input: child.stdout }).on('line', (line) => {
      timer.refresh();
      lines.push(read(line));
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-2000)));
    child.once('error', (error: NodeJS.ErrnoException) =>
      end(error.code === 'ENOENT' ? `there is no program "${program}"` : reasonOf(error)),
    );
    child.once('close', (code, signal) => end(`"${program}" ended with ${signal ?? `code ${code}`}`));
    // A program that does not read its input is no failure of ours.
    child.stdin.on('error', () => undefined).end(JSON.stringify(input));
  });
}

/**
 * Has a program try `count` things in their order, which `input` names, and resolves with what is known of each. It says
 * `[]` when it begins, and `[AT, WHAT]` after each; `patience` is how long it may be silent, in ms.
 */
export async function tryAll(
  program: string,
  args: readonly string[],
  input: unknown,
  count: number,
  patience: number,
): Promise<readonly Verdict[]> {
  const { lines, late, why } = await inTurn(() => run(program, args, input, patience));
  const words = lines.filter((line): line is readonly unknown[] => Array.isArray(line));
  const said = new Map(words.map(([at, what]) => [at, what]));
  const all = Array.from({ length: count }, (_, at) => at);
  const guilty = all.find((at) => !said.has(at));
  return all.map((at): Verdict => {
    if (said.has(at)) return { said: said.get(at) };
    if (at !== guilty && words.length > 0) return { why: 'an import before it did not come to an end', likely: true };
    return late
      ? { why: `its import has taken longer than ${patience / 1000} s`, likely: true }
      : { why, likely: false };
  });
}

/** Has everything that is asked in one turn answered together; what is asked more than once is asked once. */
export function together<Answer>(
  answer: (questions: readonly string[]) => Promise<readonly Answer[]>,
): (question: string) => Promise<Answer> {
  let open: { readonly questions: string[]; readonly answers: Promise<readonly Answer[]> } | undefined;
  const begin = () => {
    const questions: string[] = [];
    const answers = setImmediate().then(() => {
      open = undefined;
      return answer(questions);
    });
    return { questions, answers };
  };
  return async (question) => {
    open ??= begin();
    const { questions, answers } = open;
    if (!questions.includes(question)) questions.push(question);
    return (await answers)[questions.indexOf(question)]!;
  };
}
