/** The interactive shell: circusctl without a command. */
import { createInterface } from 'node:readline';
import { splitWords } from '#core';
import { didYouMean } from '../config/problem.js';
import { version } from '../version.js';
import type { Peer } from './client.js';
import { completer } from './completion.js';
import type { GlobalValues } from './options.js';
import type { Output, run } from './run.js';
import { findCommand, table, type CommandFacts } from './table.js';
import { addedCommands } from './wire.js';

const prompt = '(circusctl) ';
const names = [...table.map(({ name }) => name), 'help', 'EOF'];

/** Reads commands from the standard input and carries them out with `execute`, until its end or `EOF`. */
export async function runShell(peer: Peer, globals: GlobalValues, output: Output, execute: typeof run): Promise<void> {
  const input = createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt,
    completer: completer(peer, names),
  });
  // At once, so that no line is lost while a command runs.
  const lines = input[Symbol.asyncIterator]();
  // Lines may still wait when the input has ended, and Node 24 refuses to prompt then.
  let ended = false;
  input.on('close', () => (ended = true));
  let running: AbortController | undefined;
  input.on('SIGINT', () => (running ? running.abort() : input.close()));

  const given = [
    ...(globals.key === undefined ? [] : ['--key', globals.key]),
    ...(globals.serverKey === undefined ? [] : ['--server-key', globals.serverKey]),
    ...['--endpoint', peer.endpoint, ...(peer.patient ? [] : ['--timeout', String(peer.timeout / 1000)])],
    ...(globals.json ? ['--json'] : []),
    ...(globals.prettify ? ['--prettify'] : []),
  ];
  const carryOut = async (words: readonly string[]) => {
    running = new AbortController();
    await execute([...given, ...words], output, running.signal);
    running = undefined;
  };

  output.out(`circusctl ${version}\n`);
  await carryOut(['status']);
  let last = '';
  for (;;) {
    if (ended) output.out(prompt);
    else input.prompt();
    const next = await lines.next();
    if (next.done || next.value.trim() === 'EOF') break;
    const line = next.value.trim() || last;
    last = await obey(line, peer, carryOut, output);
  }
  input.close();
  output.out('\n');
}

/** Carries out one line and answers what an empty line repeats: only what changes nothing. */
async function obey(
  line: string,
  peer: Peer,
  carryOut: (words: readonly string[]) => Promise<void>,
  output: Output,
): Promise<string> {
  let words: readonly string[];
  try {
    words = splitWords(line);
  } catch (error) {
    output.err(`error: ${(error as Error).message}\n`);
    return '';
  }
  const [name] = words;
  if (name === undefined) return '';
  let command: CommandFacts | undefined = findCommand(name);
  if (!command && name !== 'help') {
    const added = await addedCommands(peer);
    command = added.find((one) => one.name === name);
    if (!command) {
      const known = [...names, ...added.map((one) => one.name)];
      output.out(`*** Unknown syntax: ${line}${didYouMean(name, known)}\n`);
      return '';
    }
  }
  await carryOut(words);
  return command?.role === 'view' ? line : '';
}
