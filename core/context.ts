/** What one plugin is given: its view of the kernel, and ways to acquire things that are given back by themselves. */
import type { Arbiter } from './arbiter.js';
import { CircusError } from './errors.js';
import type { AnyPlugin, Log, OptionsSchema, PluginContext, RunResult } from './plugin.js';
import { Process } from './process.js';
import type { Scope } from './scope.js';
import type { WatcherSpec } from './spec.js';
import type { Watcher } from './watcher.js';

/** What a context is made of. */
interface Parts {
  readonly plugin: AnyPlugin;
  readonly scope: Scope;
  readonly services: Readonly<Record<string, unknown>>;
  /** The options as written, and as validated. */
  readonly given: Readonly<Record<string, unknown>>;
  readonly options: unknown;
  readonly restored: unknown;
  readonly arbiter: Arbiter;
  readonly log: Log;
  /** Told what survives an upgrade. */
  readonly keep: (snapshot: () => unknown) => void;
}

type Issues = Extract<
  Awaited<ReturnType<OptionsSchema['~standard']['validate']>>,
  { readonly issues: readonly unknown[] }
>['issues'];

function describeIssues(issues: Issues): string {
  return issues
    .map(({ path = [], message }) => {
      const key = path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
      return key ? `option "${key}": ${message}` : message;
    })
    .join('; ');
}

/** The options of a plugin after its own validator; without one, as written. @throws ERR_PLUGIN_OPTIONS */
export async function validated(plugin: AnyPlugin, given: Readonly<Record<string, unknown>>): Promise<unknown> {
  const result = await plugin.options?.['~standard'].validate(given);
  if (result?.issues) throw new CircusError('ERR_PLUGIN_OPTIONS', [plugin.name, describeIssues(result.issues)]);
  return result ? result.value : given;
}

/** Makes the context of one plugin. */
export function createContext({
  plugin,
  scope,
  services,
  given,
  options,
  restored,
  arbiter,
  log,
  keep,
}: Parts): PluginContext {
  const report = (hook: string, error: unknown) => arbiter.hooks.report({ plugin: plugin.name, hook, error });
  const perWatcher = new WeakMap<WatcherSpec, unknown>();
  const prefix = `${plugin.name}.`;

  const optionsFor = ({ spec }: Watcher): unknown => {
    if (perWatcher.has(spec)) return perWatcher.get(spec);
    const own = Object.entries(spec.options).filter(([key]) => key.startsWith(prefix));
    const written = { ...given, ...Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value])) };
    let result = options;
    if (own.length > 0) {
      const judged = plugin.options?.['~standard'].validate(written);
      if (judged instanceof Promise)
        throw new TypeError(`plugin "${plugin.name}": options per watcher need a synchronous validator`);
      if (judged?.issues) {
        report(
          `options of watcher "${spec.name}"`,
          new CircusError('ERR_PLUGIN_OPTIONS', [plugin.name, describeIssues(judged.issues)]),
        );
      } else {
        result = judged ? judged.value : written;
      }
    }
    perWatcher.set(spec, result);
    return result;
  };

  const helpers = new Set<Promise<unknown>>();
  scope.defer(() => Promise.all(helpers));

  const guard =
    <A extends unknown[]>(action: (...args: A) => unknown) =>
    (...args: A): void => {
      if (!scope.active) return;
      try {
        const result = action(...args);
        if (result instanceof Promise) result.catch((error: unknown) => report('callback', error));
      } catch (error) {
        report('callback', error);
      }
    };

  const run: PluginContext['run'] = async (
    command,
    args = [],
    { env = process.env as Record<string, string>, cwd = process.cwd() } = {},
  ) => {
    if (!scope.active) throw new CircusError('ERR_SCOPE_CLOSED', [plugin.name]);
    const output: Record<number, Buffer[]> = { 1: [], 2: [] };
    const helper = Process.run(
      { command, args, chain: [], env, cwd, files: { 0: 'null', 1: 'pipe', 2: 'pipe' } },
      arbiter.clock,
      (chunk, fd) => output[fd]?.push(chunk),
    );
    const kill = () => void helper.stop({ signal: 9, grace: 0, children: false, reason: 'stopped' });
    scope.signal.addEventListener('abort', kill, { once: true });
    const finished = helper.finished();
    helpers.add(finished);
    const { code, signal } = await finished;
    helpers.delete(finished);
    scope.signal.removeEventListener('abort', kill);
    const text = (fd: number) => Buffer.concat(output[fd] ?? []).toString();
    return { code, signal, stdout: text(1), stderr: text(2) } satisfies RunResult;
  };

  return {
    arbiter,
    services,
    log,
    restored,
    keep,
    optionsFor,
    guard,
    run,
    hooks: arbiter.hooks.view(scope),
    signal: scope.signal,
    defer: (dispose) => scope.defer(dispose),
    every(ms, action) {
      const call = guard(action);
      let cancel: () => void = () => undefined;
      scope.defer(() => cancel());
      const again = () => {
        cancel = arbiter.clock.after(ms, () => {
          again();
          call();
        });
      };
      again();
    },
  };
}
