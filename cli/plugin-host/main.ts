/** The command line of the program that runs a plugin in a process of its own. */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { reasonOf } from '#core';
import { settingsOf } from '#plugins/controller/options.js';
import { chooseEndpoint } from '../ctl/endpoint.js';
import { openLog } from '../daemon/log.js';
import { readConfig, type PluginConfig } from './config-string.js';
import { checkConfig, exitCodes, loadPlugin, runPlugin } from './host.js';
import { version } from '../version.js';

interface Options {
  readonly endpoint?: string;
  readonly pubsub?: string;
  readonly config: PluginConfig;
  readonly checkDelay: number;
  readonly logLevel: string;
  readonly logOutput: string;
  readonly check?: true;
}

/** A converter of an option, whose error is one of usage. */
function reading<T>(read: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return read(text);
    } catch (error) {
      throw new InvalidArgumentError(reasonOf(error));
    }
  };
}

const levels = ['debug', 'info', 'warning', 'error', 'critical'];

function oneOfLevels(text: string): string {
  if (levels.includes(text.toLowerCase())) return text.toLowerCase();
  throw new Error(`it is one of ${levels.join(', ')}`);
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new Error('it is a number of seconds');
}

function noTunnel(): never {
  throw new Error(
    'there are no tunnels here: open one with "ssh -L", and give its near ends as --endpoint and --pubsub',
  );
}

function commandLine(): Command {
  return new Command('circus-plugin')
    .description('Runs a plugin in a process of its own, beside the daemon.')
    .argument('[module]', 'the plugin: a path, or an npm package as the working directory finds it')
    .option('--endpoint <endpoint>', 'where the daemon takes commands')
    .option('--pubsub <endpoint>', 'where the daemon publishes events')
    .option('--config <text>', "the plugin's options: key:value:::key:value, or a JSON object", reading(readConfig), {})
    .option('--check-delay <seconds>', "the daemon's check_delay, which the plugin is told", reading(seconds), 5)
    .option('--log-level <level>', levels.join(', '), reading(oneOfLevels), 'info')
    .option('--log-output <where>', 'a file, or - for the standard error', '-')
    .option('--check', 'tell what is wrong with the plugin or its options, a line of JSON each, and exit')
    .option('--ssh <host>', 'not supported', reading(noTunnel))
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText(
      'after',
      '\nExit codes: 0 stopped in order, 1 the plugin failed, 2 wrong usage, 3 the plugin or its options are unfit.',
    )
    .exitOverride();
}

async function main(argv: readonly string[]): Promise<number> {
  const program = commandLine().parse([...argv], { from: 'user' });
  const options = program.opts<Options>();
  const [use] = program.args;
  if (use === undefined) {
    process.stderr.write(program.helpInformation());
    return exitCodes.usage;
  }
  if (options.check) {
    const problems = await loadPlugin(use).then(
      (plugin) => checkConfig(plugin, options.config),
      (error: unknown) => [{ key: undefined, message: reasonOf(error) }],
    );
    for (const problem of problems) process.stdout.write(`${JSON.stringify(problem)}\n`);
    return problems.length > 0 ? exitCodes.unfit : exitCodes.stopped;
  }
  const log = openLog({ level: options.logLevel, output: options.logOutput, format: 'auto' });
  try {
    const plugin = await loadPlugin(use);
    const [refusal] = await checkConfig(plugin, options.config);
    if (refusal)
      throw new Error(refusal.key === undefined ? refusal.message : `option "${refusal.key}": ${refusal.message}`);
    // Whoever names an endpoint means Circus's other one with it; without one both are the daemon's own.
    const given = options.endpoint ?? process.env['CIRCUSCTL_ENDPOINT'];
    const endpoint = chooseEndpoint(options.endpoint);
    const { pubsub_endpoint } = settingsOf({ check_delay: 5, ...(given && { endpoint }) });
    const { checkDelay, config, pubsub = pubsub_endpoint } = options;
    return await runPlugin(plugin, { endpoint, pubsub, checkDelay, config }, log);
  } catch (error) {
    log.error(reasonOf(error));
    return exitCodes.unfit;
  }
}

// Should the loop run empty before the end, that is no success.
process.exitCode = exitCodes.failed;
main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : exitCodes.usage);
    process.stderr.write(`circus-plugin: ${reasonOf(error)}\n`);
    process.exit(exitCodes.failed);
  },
);
