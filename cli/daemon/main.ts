/** The daemon's command line. */
import { Command, CommanderError, Option } from 'commander';
import { reasonOf } from '#core';
import { defaultEndpoints } from '#plugins/controller/endpoint.js';
import { allProblems } from './foresight.js';
import { assemble, type Assembly } from './assemble.js';
import { effective, sectionOf } from '../config/effective.js';
import { didYouMean, formatProblem, strictly, type Problem } from '../config/problem.js';
import { asRead } from '../config/sections.js';
import { formats, showConfiguration, type Format } from '../config/show.js';
import { detach, waitingParent } from './detach.js';
import { exitCodes, runDaemon } from './run.js';
import { handedSockets } from './handed.js';
import { version } from '../version.js';

interface Options {
  readonly logLevel?: string;
  readonly logOutput?: string;
  readonly logFormat: 'auto' | 'text' | 'json';
  readonly pidfile?: string;
  readonly daemon?: true;
  readonly circusEndpoints?: true;
  readonly check?: true;
  readonly strict?: true;
  readonly showConfig?: string | true;
  readonly asRead?: true;
  readonly format?: Format;
  readonly json?: true;
}

const levels = ['debug', 'info', 'warning', 'error', 'critical'];

function commandLine(): Command {
  const level = (value: string) => {
    if (levels.includes(value.toLowerCase())) return value.toLowerCase();
    throw new CommanderError(
      exitCodes.usage,
      'level',
      `error: --log-level is one of ${levels.join(', ')}, not "${value}"`,
    );
  };
  return new Command('circusd')
    .description('Keeps the programs of a configuration file running, and owns their sockets.')
    .argument('[config]', 'the configuration file, an INI file as Circus reads it')
    .option('--log-level <level>', levels.join(', '), level)
    .option('--log-output <where>', 'a file, or - for the standard error')
    .addOption(
      new Option('--log-format <format>', 'lines for people or JSON').choices(['auto', 'text', 'json']).default('auto'),
    )
    .option('--logger-config <file>', 'accepted for compatibility, has no effect')
    .option('--pidfile <file>', 'where to write the process id')
    .option('--daemon', 'go into the background once everything is started')
    .option('--circus-endpoints', "listen on Circus's TCP ports where the file names no endpoint")
    .option('--check', 'tell what is wrong with the configuration, and exit')
    .option('--strict', 'refuse to start when anything is wrong')
    .option('--show-config [name]', 'print the configuration in effect, or one section of it, and exit')
    .option('--as-read', 'with --show-config: the sections as they were read, as JSON')
    .addOption(new Option('--format <format>', 'with --show-config: how it is written').choices(formats))
    .option('--json', 'the same as --format json')
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText(
      'after',
      '\nExit codes: 0 stopped in order, 1 wrong configuration, 2 wrong usage, 4 could not bind or start.',
    )
    .exitOverride();
}

/** `--show-config FILE`: the word that could be a section's name is the file when there is no other. */
function withFile(options: Options, [file]: readonly string[]): Options & { readonly file: string | undefined } {
  if (file !== undefined || typeof options.showConfig !== 'string') return { ...options, file };
  return { ...options, file: options.showConfig, showConfig: true };
}

function say(problems: readonly Problem[]): void {
  for (const problem of problems) process.stderr.write(`${problem.severity}: ${formatProblem(problem)}\n`);
}

/** What somebody who comes from Circus has to know of a configuration that names no endpoint; else nothing. */
function endpointNotice({ configuration: { file }, meant }: Assembly): string {
  const options = meant.find(({ use }) => use === 'controller')?.options;
  if (!options || options['endpoint'] !== undefined || options['endpoints'] !== undefined) return '';
  const { endpoint } = defaultEndpoints();
  return `notice: ${file} names no endpoint, so commands are taken on ${endpoint}; "endpoints = circus" in [circus] opens Circus's ports\n`;
}

/** Why a section can't be shown; undefined when it can. */
function missing({ configuration, shown }: Assembly, only: string | undefined): string | undefined {
  if (only === undefined || effective(configuration, shown, only).length > 0) return undefined;
  const names = effective(configuration, shown).flatMap((block) => [sectionOf(block), block.name || block.kind]);
  return `there is no section "${only}" in effect${didYouMean(only, names)}`;
}

async function main(argv: readonly string[]): Promise<number> {
  const program = commandLine().parse([...argv], { from: 'user' });
  const options = withFile(program.opts<Options>(), program.args);
  const { file } = options;
  if (file === undefined) {
    process.stderr.write(program.helpInformation());
    return exitCodes.usage;
  }
  if (process.platform !== 'linux' && !options.check && options.showConfig === undefined) {
    process.stderr.write('circusd needs Linux: run it in a container, or use circusctl here to reach one elsewhere\n');
    return exitCodes.start;
  }
  if (options.daemon) return detach([process.argv[1]!, ...argv.filter((word) => word !== '--daemon')]);

  const parent = waitingParent();
  // Before anything looks at the environment: it is that of watchers too.
  const handed = handedSockets(process.env);
  const { circusEndpoints = false } = options;
  const assembly = await assemble(file, process.env, { circusEndpoints });
  const { configuration, shown, written } = assembly;
  const isStrict = options.check || options.strict;
  const found = options.check ? allProblems(assembly) : assembly.problems;
  const problems = isStrict ? strictly(found) : found;
  const wrong = problems.some(({ severity }) => severity === 'error');
  if (options.showConfig !== undefined) {
    const only = options.showConfig === true ? undefined : options.showConfig;
    const format = options.json ? 'json' : options.format;
    say(problems);
    if (written.files.length === 0) return exitCodes.configuration;
    const why = options.asRead ? undefined : missing(assembly, only);
    if (why !== undefined) {
      process.stderr.write(`error: ${why}\n`);
      return exitCodes.configuration;
    }
    process.stdout.write(
      options.asRead ? `${JSON.stringify(asRead(written))}\n` : showConfiguration(configuration, shown, only, format),
    );
    return wrong ? exitCodes.configuration : exitCodes.clean;
  }
  if (options.check) {
    say(problems);
    if (problems.length === 0) process.stdout.write(`${file}: nothing is wrong\n`);
    if (!wrong) process.stdout.write(endpointNotice(assembly));
    return wrong ? exitCodes.configuration : exitCodes.clean;
  }
  if (written.files.length === 0 || (wrong && options.strict)) {
    const errors = problems.filter(({ severity }) => severity === 'error');
    say(errors);
    parent.failed(errors.map(formatProblem).join('\n'));
    return exitCodes.configuration;
  }
  return runDaemon(assembly, options, parent, handed);
}

// Should the loop run empty before the end, that is no success.
process.exitCode = exitCodes.configuration;
main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (error instanceof CommanderError) {
      if (error.code === 'level') process.stderr.write(`${error.message}\n`);
      process.exit(error.exitCode === 0 ? 0 : exitCodes.usage);
    }
    process.stderr.write(`circusd: ${reasonOf(error)}\n`);
    process.exit(exitCodes.configuration);
  },
);
