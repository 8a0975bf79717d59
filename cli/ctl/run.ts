/** Carrying out one command line. */
import type { Peer } from './client.js';
import {
  commandNamed,
  globalsIn,
  helpCommand,
  importCommand,
  keygenCommand,
  readCommandLine,
  UnknownCommand,
  type CommandLine,
} from './command-line.js';
import { chooseEndpoint } from './endpoint.js';
import { exitCodes, Failure } from './failure.js';
import { commandHelp, generalHelp } from './help.js';
import { answersAsText, failureIn } from './parts.js';
import { propertiesOf } from './request.js';
import { harmless, replyAsJson } from './reply.js';
import type { CommandFacts } from './table.js';

/** Where the output goes. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
  /** True where a person reads the errors. */
  readonly isTerminal?: boolean;
}

/** Carries out a command line and resolves with the exit code; it never rejects. `listen` ends with `until`. */
export async function run(argv: readonly string[], output: Output, until?: AbortSignal): Promise<number> {
  try {
    await understand(argv, output, until);
    return exitCodes.done;
  } catch (error) {
    return tell(error, argv, output);
  }
}

/** Says what went wrong, with `--json` in that form too, and answers the exit code. */
function tell(error: unknown, argv: readonly string[], output: Output): number {
  const failure =
    error instanceof Failure ? error : new Failure(exitCodes.failed, `error: ${(error as Error).message}`);
  // The command line itself may be what is wrong.
  if (argv.includes('--json')) output.out(replyAsJson(failure.reply, argv.includes('--prettify')));
  const advice = output.isTerminal && failure.advice !== undefined ? `\n${failure.advice}` : '';
  output.err(harmless(`${failure.message}${advice}\n`));
  return failure.code;
}

/** Carries out a line; when its command is not ours, the daemon is asked whether a plugin has it. @throws Failure */
async function understand(argv: readonly string[], output: Output, until: AbortSignal | undefined): Promise<void> {
  try {
    return await carryOut(readCommandLine(argv), [], output, until);
  } catch (error) {
    if (!(error instanceof UnknownCommand)) throw error;
  }
  const { addedCommands } = await import('./wire.js');
  const added = await addedCommands(await peerOf(globalsIn(argv)));
  await carryOut(readCommandLine(argv, added), added, output, until);
}

async function carryOut(
  line: CommandLine,
  added: readonly CommandFacts[],
  output: Output,
  until: AbortSignal | undefined,
): Promise<void> {
  const { globals, command, words, flags } = line;
  if (globals.version) {
    const { version } = await import('../version.js');
    return output.out(`circusctl ${version}\n`);
  }
  if (globals.help || command === helpCommand) return output.out(harmless(help(command, words, added)));
  if (command === importCommand) {
    const { printImport } = await import('./import.js');
    return printImport(words, flags, output);
  }
  if (command === keygenCommand) {
    const { makeKeys } = await import('./keys.js');
    return makeKeys(words, flags, output);
  }
  const peer = await peerOf(globals);
  if (!command) {
    const { runShell } = await import('./shell.js');
    return runShell(peer, globals, output, run);
  }
  const properties = propertiesOf(command, words, flags);
  const { ask, listen, showProgress } = await import('./wire.js');
  if (command.name === 'listen') return listen(peer, words, globals.json, output, until);
  const isShown = output.isTerminal && !globals.json && command.name === 'reload' && properties['waiting'] === true;
  const hide = isShown ? showProgress(peer, properties['name'], output) : undefined;
  const question = { command: command.name, properties, changes: command.role !== 'view' };
  const reply = await ask(peer, question).finally(() => hide?.());
  const failure = failureIn(command, reply);
  if (!globals.json) output.out(answersAsText(command, reply));
  if (failure !== undefined) throw new Failure(exitCodes.refused, failure, reply);
  if (globals.json) output.out(replyAsJson(reply, globals.prettify));
}

/** Whom to ask. @throws Failure */
async function peerOf(globals: CommandLine['globals']): Promise<Peer> {
  const { endpoint, timeout, patient } = globals;
  return { endpoint: chooseEndpoint(endpoint), timeout, patient, curve: await keysFor(globals) };
}

/** The keys of a connection with CURVE, which few have: looked for only when something names them. */
async function keysFor({ key, serverKey }: CommandLine['globals']): Promise<Peer['curve']> {
  const named = [key, serverKey, process.env['CIRCUSCTL_KEY'], process.env['CIRCUSCTL_SERVER_KEY']];
  if (!named.some(Boolean)) return undefined;
  const { curveKeys } = await import('./keys.js');
  return curveKeys({ key, serverKey });
}

function help(command: CommandFacts | undefined, words: readonly string[], added: readonly CommandFacts[]): string {
  const asked = command === helpCommand ? words[0] && commandNamed(words[0], added) : command;
  return asked ? commandHelp(asked) : generalHelp();
}
