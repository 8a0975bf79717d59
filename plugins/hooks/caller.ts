/** Calls the hooks of watchers, within their time, and tells what came of it. */
import { abortable, reasonOf, sleep, withoutSecrets } from '#core';
import type { Environment, PluginContext, Process, Watcher } from '#core';
import type { ControllerService } from '../controller/service.js';
import type { Answer, Call } from './call.js';
import type { Modules } from './modules.js';
import { points, type PointName } from './points.js';
import { callCommand, callPython } from './programs.js';
import type { Setting } from './setting.js';
import { settingsOf } from './settings.js';

/** What a caller works with. */
export interface CallerContext extends Pick<PluginContext, 'arbiter' | 'run' | 'log'> {
  readonly controller: ControllerService | undefined;
  readonly modules: Modules;
  readonly folder: string;
}

/** A refusal, as the kernel's questions take it. */
type Refused = { readonly refuse: string } | undefined;

/** Calls hooks. */
export class Caller {
  readonly #context: CallerContext;
  /** What Python functions changed in the environment of a watcher. */
  readonly #changed = new WeakMap<Watcher, Readonly<Record<string, string | null>>>();
  /** The last call that nobody waits for, by process, and all of a watcher. */
  readonly #last = new WeakMap<Process, Promise<unknown>>();
  readonly #pending = new Map<Watcher, Set<Promise<unknown>>>();

  constructor(context: CallerContext) {
    this.#context = context;
  }

  /** Calls a hook that decides; the refusal says which one, and why. Never rejects. */
  async ask(call: Call, signal?: AbortSignal): Promise<Refused> {
    const setting = this.#settingOf(call.watcher, call.point);
    if (!setting) return undefined;
    const { point } = call;
    const name = `hook ${point} (${setting.text})`;
    // The kernel says which question it was put to, and that it is a hook's.
    const no = (why: string) => ({ refuse: `its ${point} "${setting.text}" ${why}` });
    const { lenient, told = false } = points[point] as (typeof points)[PointName] & { readonly told?: true };
    try {
      const { yes, why, failed } = await this.#call(setting, call, signal);
      if (failed) this.#failed(call, name, String(why));
      else this.#publish(call, 'hook_success');
      if (yes || told || (failed && setting.forgiven)) return undefined;
      if (!failed) this.#context.log.info(`${call.watcher.name}: ${name} ${why}`);
      return no(String(why));
    } catch (error) {
      const why = withoutSecrets(reasonOf(error), call.watcher.spec);
      this.#failed(call, name, why, `failed: ${why}`, error);
      return lenient || setting.forgiven ? undefined : no(`failed: ${why}`);
    }
  }

  /** Calls a hook for which nobody waits, after those before it for the same process. */
  tell(call: Call & { readonly process: Process }): void {
    const { watcher, point, process } = call;
    if (!this.#settingOf(watcher, point)) return;
    const pending = this.#pending.get(watcher) ?? new Set();
    this.#pending.set(watcher, pending);
    const work = (this.#last.get(process) ?? Promise.resolve()).then(() => this.ask(call));
    this.#last.set(process, work);
    pending.add(work);
    void work.finally(() => {
      pending.delete(work);
      if (pending.size === 0) this.#pending.delete(watcher);
    });
  }

  /** Resolves when all calls of these watchers that nobody waits for are through, or have had the time of one. */
  async through(watchers: Iterable<Watcher> = this.#pending.keys()): Promise<void> {
    const one = async (watcher: Watcher) => {
      const over = new AbortController();
      const late = sleep(this.#context.arbiter.clock, settingsOf(watcher.spec).timeout, over.signal);
      await Promise.race([Promise.all([...(this.#pending.get(watcher) ?? [])]), late]);
      over.abort();
    };
    await Promise.all([...watchers].map(one));
  }

  /** Lets the hook extended_stats add to the facts about a process. @throws Error when it fails */
  async extend(
    watcher: Watcher,
    pid: number,
    info: Readonly<Record<string, unknown>>,
  ): Promise<Record<string, unknown>> {
    const stats = { ...info };
    const setting = this.#settingOf(watcher, 'extended_stats');
    if (!setting) return stats;
    const name = `hook extended_stats (${setting.text})`;
    const process = watcher.processes.find((one) => one.pid === pid);
    try {
      const { failed, why } = await this.#call(setting, {
        point: 'extended_stats',
        watcher,
        given: { pid, stats },
        process,
      });
      if (failed) throw new Error(why);
    } catch (error) {
      const why = withoutSecrets(reasonOf(error), watcher.spec);
      throw new Error(`${name} failed: ${why}`, { cause: error });
    }
    return stats;
  }

  /** The environment of a process with what Python functions changed in that of its watcher; undefined: nothing. */
  environment(watcher: Watcher, env: Environment): Environment | undefined {
    const changed = this.#changed.get(watcher);
    if (!changed) return undefined;
    const all = Object.entries({ ...env, ...changed });
    return Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== null));
  }

  #settingOf(watcher: Watcher, point: PointName): Setting | undefined {
    return settingsOf(watcher.spec).hooks.get(point);
  }

  /** @throws what the hook throws, or that its time is up */
  async #call({ target }: Setting, call: Call, cancelled?: AbortSignal): Promise<Answer> {
    const { arbiter, modules, controller } = this.#context;
    const { timeout } = settingsOf(call.watcher.spec);
    const over = new AbortController();
    const end = (why: string) => over.abort(new Error(why));
    const stop = () => end('was cut short, as its watcher went on without it');
    const cancel = arbiter.clock.after(timeout, () => end(`took longer than ${timeout / 1000} s`));
    if (cancelled?.aborted) stop();
    cancelled?.addEventListener('abort', stop, { once: true });
    const { signal } = over;
    const work = async (): Promise<Answer> => {
      if (target.kind === 'module') {
        const { point: hook_name, watcher, given, process } = call;
        const hook = await modules.take(target);
        const answer = await hook({ watcher, arbiter, hook_name, ...given, process, signal });
        return { yes: Boolean(answer), why: `returned ${shown(answer)}` };
      }
      const changed = (env: Environment) => this.environment(call.watcher, env) ?? env;
      const around = { ...this.#context, endpoint: controller?.endpoint, signal, changed };
      if (target.kind === 'command') return callCommand(target, call, around);
      return this.#remember(call.watcher, await callPython(target, call, around));
    };
    try {
      return await abortable(work(), signal);
    } finally {
      cancel();
      cancelled?.removeEventListener('abort', stop);
    }
  }

  #remember(watcher: Watcher, answer: Answer): Answer {
    if (answer.env && Object.keys(answer.env).length > 0)
      this.#changed.set(watcher, { ...this.#changed.get(watcher), ...answer.env });
    return answer;
  }

  #failed(call: Call, name: string, why: string, did = why, error?: unknown): void {
    const { cause, stack } = Object(error) as { readonly cause?: unknown; readonly stack?: unknown };
    const trace = typeof cause === 'string' ? cause : stack;
    const facts = typeof trace === 'string' ? { stack: withoutSecrets(trace, call.watcher.spec) } : {};
    this.#context.log.error(`${call.watcher.name}: ${name} ${did}`, facts);
    this.#publish(call, 'hook_failure', { error: why });
  }

  #publish({ watcher, point }: Call, event: 'hook_success' | 'hook_failure', facts: object = {}): void {
    const time = this.#context.arbiter.clock.now() / 1000;
    this.#context.controller?.publish(watcher.name, event, { name: point, time, ...facts });
  }
}

const shown = (answer: unknown): string =>
  typeof answer === 'object' && answer !== null ? 'an object' : String(answer).slice(0, 80);
