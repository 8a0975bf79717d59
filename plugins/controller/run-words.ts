/** What is run for a process, as text for a shell and without secrets. */
import { findProgram, quoteWord, reasonOf, withoutSecrets, type Process, type ProcessSpec, type Watcher } from '#core';

/** The programs in front of a command, each with its words, and the whole as one line for a shell. */
export interface RunWords {
  readonly chain: readonly (readonly string[])[];
  readonly command: string;
}

/** The path of the program that a spec names. @throws ERR_COMMAND_NOT_FOUND */
const programOf = ({ executable, command, env, cwd }: ProcessSpec): string =>
  findProgram(executable ?? command, env['PATH'], cwd);

function runWords(spec: ProcessSpec, program: string, watcher: Watcher): RunWords {
  const { secrets, env } = watcher.spec;
  const isSecret = (word: string) => secrets.some((name) => word.startsWith(`${name}=`));
  const mask = (word: string): string => {
    // A variable that is handed through the chain.
    if (isSecret(word)) return word.replace(/=.*$/s, '=***');
    return withoutSecrets(withoutSecrets(word, { secrets, env: spec.env }), { secrets, env });
  };
  const args = spec.shown?.slice(1) ?? spec.args;
  const chain = spec.chain.map((words) => words.map(mask));
  return { chain, command: [...chain.flat(), mask(program), ...args].map(quoteWord).join(' ') };
}

/** What a process was started with. */
export function wordsOf({ spec }: Process, watcher: Watcher): RunWords {
  let program = spec.executable ?? spec.command;
  try {
    program = programOf(spec);
  } catch {
    // It is not there any more.
  }
  return runWords(spec, program, watcher);
}

/** What a start would run now in the place with this number, or why it would not. */
export async function nextWords(
  watcher: Watcher,
  plugins: ReadonlySet<string>,
  wid: number,
): Promise<{ readonly wid: number } & (RunWords | { readonly error: string })> {
  // It would wait.
  const missing = watcher.spec.needs.find((name) => !plugins.has(name));
  if (missing !== undefined) return { wid, error: `plugin "${missing}" is not loaded` };
  try {
    const spec = await watcher.keeper.specFor({ wid, spec: watcher.spec, preview: true });
    return { wid, ...runWords(spec, programOf(spec), watcher) };
  } catch (error) {
    return { wid, error: withoutSecrets(reasonOf(error), watcher.spec) };
  }
}
