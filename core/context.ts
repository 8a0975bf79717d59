/** What one plugin is given: its view of the kernel, and ways to acquire things that are given back by themselves. */
import { HookBoard } from './board.js';
import { CircusError } from './errors.js';
import type { AnyPlugin, Issue, PluginContext } from './plugin.js';
import { Process, type Exit } from './process.js';
import type { Scope } from './scope.js';
import type { WatcherSpec } from './spec.js';
import type { Watcher } from './watcher.js';

/** What a helper program may write on each descriptor, in bytes, and how long one may take while the plugin closes. */
const limits = { output: 2 ** 20, closing: 8000 };

/** The hooks of helper programs, which nobody taps. */
let quiet: HookBoard | undefined;
/** How many helper programs were run: no two have the same mark. */
let started = 0;

/** What a context is made of. */
interface Parts extends Pick<PluginContext, 'arbiter' | 'services' | 'log' | 'restored' | 'keep'> {
  readonly plugin: AnyPlugin;
  readonly scope: Scope;
  /** The options as written, and as validated. */
  readonly given: Readonly<Record<string, unknown>>;
  readonly options: unknown;
}

function optionsError(plugin: AnyPlugin, issues: readonly Issue[]): CircusError {
  const words = issues.map(({ path = [], message }) => {
    const key = path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
    return key ? `option "${key}": ${message}` : message;
  });
  return new CircusError('ERR_PLUGIN_OPTIONS', [plugin.name, words.join('; ')]);
}

/** The options of a plugin after its own validator; without one, as written. @throws ERR_PLUGIN_OPTIONS */
export async function validated(plugin: AnyPlugin, given: Readonly<Record<string, unknown>>): Promise<unknown> {
  const result = await plugin.options?.['~standard'].validate(given);
  if (result?.issues) throw optionsError(plugin, result.issues);
  return result ? result.value : given;
}

/** Makes the context of one plugin. */
export function createContext({ plugin, scope, given, options, ...parts }: Parts): PluginContext {
  const { arbiter } = parts;
  const { name } = plugin;
  const report = (hook: string, error: unknown, watcher?: string) =>
    arbiter.hooks.tell('fault', { plugin: name, hook, watcher, error });
  const perWatcher = new WeakMap<WatcherSpec, unknown>();
  const prefix = `${name}.`;

  /** What a plugin may ask for as long as it is not closed, with a function among the arguments. */
  const member =
    <A extends unknown[], R>(called: string, action: (...args: A) => R) =>
    (...args: A): R => {
      if (!scope.active) throw new CircusError('ERR_SCOPE_CLOSED', [name]);
      if (!args.some((arg) => typeof arg === 'function'))
        throw new TypeError(`plugin "${name}": ${called} takes a function`);
      return action(...args);
    };

  const optionsFor = ({ spec }: Pick<Watcher, 'spec'>): unknown => {
    if (perWatcher.has(spec)) return perWatcher.get(spec);
    const own = Object.entries(spec.options).filter(([key]) => key.startsWith(prefix));
    const written = { ...given, ...Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value])) };
    let result = options;
    if (own.length > 0) {
      const judged = plugin.options?.['~standard'].validate(written);
      if (judged instanceof Promise)
        throw new TypeError(`plugin "${name}": options per watcher need a synchronous validator`);
      if (judged?.issues) report(`options of watcher "${spec.name}"`, optionsError(plugin, judged.issues), spec.name);
      else result = judged ? judged.value : written;
    }
    perWatcher.set(spec, result);
    return result;
  };

  const guarded =
    <A extends unknown[]>(action: (...args: A) => unknown) =>
    async (...args: A): Promise<void> => {
      try {
        if (scope.active) await action(...args);
      } catch (error) {
        report('callback', error);
      }
    };

  const helpers = new Set<Promise<unknown>>();
  let through = false;
  // Deferred first, it comes last: until then, what was deferred may undo something with a helper.
  scope.defer(() => {
    through = true;
    return Promise.all(helpers);
  });

  const run: PluginContext['run'] = async (command, args = [], settings = {}) => {
    if (through) throw new CircusError('ERR_SCOPE_CLOSED', [name]);
    if (!Array.isArray(args)) throw new TypeError(`plugin "${name}": run takes the words after the program as a list`);
    const { env, bare = false, cwd = process.cwd(), input, timeout = Infinity, signal: cancelled } = settings;
    const output = { 1: { chunks: [] as Buffer[], size: 0 }, 2: { chunks: [] as Buffer[], size: 0 } };
    const files = { 0: input === undefined ? 'null' : { input }, 1: 'pipe', 2: 'pipe' } as const;
    quiet ??= new HookBoard(arbiter.clock);
    const mark = `${arbiter.id}::${++started}`;
    const helper = Process.start(
      { command, args, chain: [], env: { ...(bare ? {} : process.env), ...env } as Record<string, string>, cwd, files },
      {
        ...{ wid: 0, watcher: '', mark, board: quiet, clock: arbiter.clock },
        output: (chunk, fd) => {
          const stream = output[fd as 1 | 2];
          if (stream.size < limits.output) stream.chunks.push(chunk);
          stream.size += chunk.length;
        },
      },
    );
    let killing: Promise<Exit> | undefined;
    const kill = () => void (killing = helper.stop({ signal: 9, grace: 0, children: false, reason: 'stopped' }));
    const longest = Math.min(timeout, scope.active ? Infinity : limits.closing);
    let timedOut = false;
    const cancel = arbiter.clock.after(longest, () => {
      timedOut = true;
      kill();
    });
    scope.signal.addEventListener('abort', kill, { once: true });
    if (cancelled?.aborted) kill();
    cancelled?.addEventListener('abort', kill);
    // Of one that was killed nothing is left then: the daemon may end next.
    const finished = helper.finished().then((exit) => killing ?? exit);
    helpers.add(finished);
    const { code, signal } = await finished;
    cancel();
    helpers.delete(finished);
    scope.signal.removeEventListener('abort', kill);
    cancelled?.removeEventListener('abort', kill);
    const text = (fd: 1 | 2) => Buffer.concat(output[fd].chunks).subarray(0, limits.output).toString();
    const truncated = output[1].size > limits.output || output[2].size > limits.output;
    return { code, signal, timedOut, stdout: text(1), stderr: text(2), truncated };
  };

  return {
    ...parts,
    optionsFor,
    run,
    by: `plugin ${name}`,
    hooks: arbiter.hooks.view(scope),
    signal: scope.signal,
    keep: member('keep', parts.keep),
    defer: member('defer', (dispose) => scope.defer(dispose)),
    guard: member('guard', (action) => {
      const call = guarded(action);
      return (...args) => void call(...args);
    }) as PluginContext['guard'],
    every: member('every', (ms, action) => {
      if (!(Number.isFinite(ms) && ms > 0)) throw new TypeError(`plugin "${name}": every takes milliseconds above 0`);
      const call = guarded(action);
      let running: Promise<void> | undefined;
      let cancel: () => void = () => undefined;
      scope.defer(() => cancel());
      const again = () => {
        cancel = arbiter.clock.after(ms, () => {
          again();
          running ??= call().finally(() => (running = undefined));
        });
      };
      again();
    }),
  };
}
