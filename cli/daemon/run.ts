/** The daemon's life: from an assembled configuration to its exit code. */
import { Arbiter, Host, raiseLimit, reasonOf, Scope } from '#core';
import { titleOf, type Assembly } from './assemble.js';
import { formatProblem, type Place, type Problem } from '../config/problem.js';
import { optionsOf } from '../config/sections.js';
import { settleMemory } from './memory.js';
import { count, keepJournal } from './journal.js';
import { openLog, type DaemonLog } from './log.js';
import { writePidfile } from './pidfile.js';
import { Reconfiguration } from './reconfigure.js';
import type { Handed } from './handed.js';
import { bindSockets, withoutSockets } from './sockets.js';

/** What the daemon's exit codes mean. */
export const exitCodes = { clean: 0, configuration: 1, usage: 2, start: 4 } as const;

/** What the command line may say over the configuration. */
export interface RunOptions {
  readonly logLevel?: string;
  readonly logOutput?: string;
  readonly logFormat: 'auto' | 'text' | 'json';
  readonly pidfile?: string;
  /** What can't be bound or loaded prevents the start. */
  readonly strict?: true;
}

/** Who waits for the daemon to stand, when it goes into the background. */
interface Parent {
  ready(): void;
  failed(message: string): void;
}

/** Node's longest timer: it holds the event loop open and wakes nobody for 24 days. */
const longestTimer = 2 ** 31 - 1;

/** A signal that follows another one sooner is the same wish, in ms: npm and timeout pass on what their group got too. */
const echoTime = 300;

/** What root raises a lower limit to: clients that connect faster than they are counted must not use all of them up. */
const descriptors = 65_536;

/** Runs the daemon until it has stopped; resolves with its exit code. */
export async function runDaemon(
  assembly: Assembly,
  options: RunOptions,
  parent: Parent,
  handed: readonly Handed[],
): Promise<number> {
  const { circus } = assembly.configuration;
  const fail = (error: unknown) => {
    process.stderr.write(`error: ${reasonOf(error)}\n`);
    parent.failed(reasonOf(error));
    return exitCodes.start;
  };
  let log: DaemonLog;
  try {
    log = openLog({
      level: options.logLevel ?? (circus.debug ? 'debug' : circus.loglevel),
      output: options.logOutput ?? circus.logoutput,
      format: options.logFormat,
    });
  } catch (error) {
    return fail(error);
  }
  const fatal = fatalProblems(assembly);
  const others = assembly.problems.filter((problem) => !fatal.includes(problem));
  for (const problem of others) log[problem.severity === 'error' ? 'error' : 'warn'](formatProblem(problem));
  containFaults(log);
  if (circus.umask !== undefined) process.umask(circus.umask);

  raiseLimit(descriptors);
  const arbiter = new Arbiter({ warmup_delay: circus.warmup_delay });
  const configuration = new Reconfiguration(assembly, arbiter, () => host, log);
  const host: Host = new Host(arbiter, (plugin) => log.of(plugin), { configuration });
  let removePidfile: (() => void) | undefined;
  const close = async () => {
    await host.close();
    arbiter.close();
    removePidfile?.();
  };
  try {
    demandNone(fatal);
    const pidfile = options.pidfile ?? circus.pidfile;
    if (pidfile) removePidfile = writePidfile(pidfile);
    keepJournal(arbiter.hooks.view(new Scope('journal')), arbiter, log);
    listenToSignals(arbiter, log);
    const missed = await loadPlugins(assembly, host);
    const refused = [...missed, ...(await socketProblems(assembly, arbiter, handed))];
    if (options.strict && refused.some(({ severity }) => severity === 'error')) demandNone(refused);
    configuration.add(refused);
    configuration.add(addWatchers(assembly, refused, arbiter));
    configuration.placing = false;
  } catch (error) {
    log.error(reasonOf(error));
    await close();
    if (log.elsewhere) return fail(error);
    parent.failed(reasonOf(error));
    return exitCodes.start;
  }

  const alive = setInterval(() => undefined, longestTimer);
  if (!arbiter.stopping) {
    log.info(`circusd ${process.pid} starts ${count(arbiter)}`);
    const started = arbiter.start();
    log.info('Arbiter now waiting for commands');
    started.then(
      () => (arbiter.stopping ? parent.failed('stopped while it started') : parent.ready()),
      (error: unknown) => parent.failed(reasonOf(error)),
    );
    started.then(settleMemory, settleMemory);
  }
  await arbiter.over;
  clearInterval(alive);
  await close();
  log.info('circusd exits');
  return exitCodes.clean;
}

/** What is wrong with the controller: a daemon that nobody could reach is not started. */
function fatalProblems({ meant, plugins, problems }: Assembly): readonly Problem[] {
  const controller = meant.find(({ use }) => use === 'controller');
  if (!controller || plugins.some(({ name }) => name === controller.name)) return [];
  return problems.filter(({ severity, section }) => severity === 'error' && section === `plugin:${controller.name}`);
}

/** @throws Error that tells of all of them */
function demandNone(problems: readonly Problem[]): void {
  if (problems.length > 0) throw new Error(problems.map(formatProblem).join('\n'));
}

/** Loads all plugins; answers what is wrong with those that are missed. @throws what prevents a start */
async function loadPlugins({ plugins, written }: Assembly, host: Host): Promise<readonly Problem[]> {
  const failures = await host.load(plugins.map(({ plugin, options }) => ({ plugin, options })));
  return failures.map(({ plugin, error }): Problem => {
    const reason = reasonOf(error);
    if (plugin === 'controller') throw located(error, placeInController(written, reason));
    const found = plugins.find((one) => one.plugin.name === plugin)!;
    const { file, line } = found.origin ?? { file: written.file, line: 1 };
    const message = `${reason}; ${titleOf(found)} is left out`;
    return { severity: 'error', file, line, column: 1, section: `plugin:${found.name}`, message };
  });
}

/** Binds all sockets; answers what went wrong with them, and with the watchers that need them. */
async function socketProblems(
  { configuration }: Assembly,
  arbiter: Arbiter,
  handed: readonly Handed[],
): Promise<readonly Problem[]> {
  const refused = await bindSockets(configuration, arbiter, handed);
  const lost = configuration.sockets.map(({ spec }) => spec.name).filter((name) => !arbiter.sockets.has(name));
  return [...refused, ...withoutSockets(configuration, new Set(lost))];
}

/** Adds all watchers whose sections are sound; answers what is wrong with those that could not be added. */
function addWatchers(
  { configuration, apart, watchers }: Assembly,
  refused: readonly Problem[],
  arbiter: Arbiter,
): readonly Problem[] {
  const sections = new Set(refused.map(({ section }) => section));
  const built = [...configuration.watchers, ...apart];
  return watchers.flatMap((spec): readonly Problem[] => {
    const { file, line, section } = built.find((one) => one.spec.name === spec.name)!.origin;
    if (sections.has(section)) return [];
    try {
      arbiter.add(spec);
      return [];
    } catch (error) {
      const message = `${reasonOf(error)}; [${section}] is left out`;
      return [{ severity: 'error', file, line, column: 1, section, message }];
    }
  });
}

/** An error with the place in the configuration that it comes from, when there is one. */
function located(error: unknown, place: Place | undefined): Error {
  const message = reasonOf(error);
  return new Error(place ? formatProblem({ ...place, severity: 'error', message }) : message, { cause: error });
}

/** Where the option is written that the controller complains of. */
function placeInController(written: Assembly['written'], message: string): Place | undefined {
  const key = /^option "([\w.-]+)"/.exec(message)?.[1] ?? '';
  const [kind, name, own = ''] = key.split('.');
  if (name !== undefined) return optionsOf(written, `${kind}:${name}`).get(own);
  return optionsOf(written, 'circus').get(key) ?? optionsOf(written, 'plugin:controller').get(key);
}

function listenToSignals(arbiter: Arbiter, log: DaemonLog): void {
  let last = -Infinity;
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) {
    process.on(signal, () => {
      log.info(`Got signal SIG_${signal.slice(3)}`);
      const now = performance.now();
      if (now - last < echoTime) return;
      last = now;
      if (!arbiter.stopping) return void arbiter.stop(signal);
      log.warn('asked to stop again: what still runs is killed');
      // One that an ordered stop has not come to yet must not fill up again what is killed.
      for (const watcher of arbiter.watchers) {
        watcher.stop(signal);
        void watcher.kill(watcher.processes, { grace: 0 });
      }
    });
  }
  process.on('SIGHUP', () => {
    log.info('Got signal SIG_HUP');
    // A reload starts what is stopped.
    if (arbiter.stopping) return;
    void arbiter.reloadAll(arbiter.watchers, { by: 'SIGHUP' });
  });
  // Node would open a debugger port on this one.
  process.on('SIGUSR1', () => log.info('Got signal SIG_USR1, which means nothing here'));
}

/** What escapes from a plugin's own timers and promises is logged, and ends nothing. */
function containFaults(log: DaemonLog): void {
  const tell = (what: string, error: unknown) => {
    try {
      const { stack } = Object(error) as { readonly stack?: unknown };
      log.error(`${what}: ${reasonOf(error)}`, typeof stack === 'string' ? { stack } : {});
    } catch {
      // Anything can be thrown, also what throws when it is looked at; thrown on from here, it would end the daemon.
      log.error(`${what}: something that can't be told`);
    }
  };
  process.on('uncaughtException', (error: unknown) => tell('uncaught', error));
  process.on('unhandledRejection', (reason) => tell('unhandled rejection', reason));
}
