/** Every error that the kernel raises: its code, and how it is worded. The code is API, the wording is not. */
const messages = {
  ERR_ARBITER_STOPPING: (what: string) => `circusd is stopping: ${what} is refused`,
  ERR_COMMAND_EMPTY: (watcher: string) => `watcher "${watcher}" has an empty command`,
  ERR_COMMAND_NOT_FOUND: (command: string, path: string) => `program "${command}" was not found in ${path}`,
  ERR_COMMAND_UNBALANCED: (text: string) => `the quotes in "${text}" are not balanced`,
  ERR_HOOK_REFUSED: (hook: string, by: string) => `hook "${hook}" refused: ${by}`,
  ERR_OPERATION_CANCELLED: (what: string, by: string) => `${what} was cancelled: ${by}`,
  ERR_ORDER_CYCLE: (names: string) =>
    `watchers wait for each other in a circle: ${names}; their priority decides instead`,
  ERR_PLATFORM_UNSUPPORTED: (platform: string) => `circusd needs Linux and runs on "${platform}": use a container`,
  ERR_PLUGIN_ANSWER: (plugin: string, hook: string, answer: string, effect: string) =>
    `plugin "${plugin}" answered ${answer} to hook "${hook}", which is not an answer; it ${effect}`,
  ERR_PLUGIN_CYCLE: (names: string) => `plugins need each other in a circle: ${names}`,
  ERR_PLUGIN_DOUBLED: (service: string, one: string, other: string) =>
    `plugins "${one}" and "${other}" both provide service "${service}"`,
  ERR_PLUGIN_INVALID: (plugin: string, flaws: string) => `"${plugin}" is not a plugin: ${flaws} (see definePlugin)`,
  ERR_PLUGIN_LOADED: (plugin: string) => `plugin "${plugin}" is loaded already, and once is enough`,
  ERR_PLUGIN_MISSING: (plugin: string, service: string, why = 'which no loaded plugin provides') =>
    `plugin "${plugin}" needs service "${service}", ${why}`,
  ERR_PLUGIN_OPTIONS: (plugin: string, issues: string) => `plugin "${plugin}": ${issues}`,
  ERR_PLUGIN_SERVICE: (plugin: string, service: string) =>
    `plugin "${plugin}" promised service "${service}" and did not return it`,
  ERR_PLUGIN_TIMEOUT: (plugin: string, hook: string, ms: number) =>
    `plugin "${plugin}" did not answer hook "${hook}" within ${ms} ms`,
  ERR_PLUGIN_UNKNOWN: (name: string) => `plugin "${name}" is not loaded`,
  ERR_PROCESS_CHAIN: (link: string, reason: string) => `"${link}" failed before the program started: ${reason}`,
  ERR_PROCESS_CWD: (cwd: string) => `the working directory "${cwd}" does not exist`,
  ERR_PROCESS_GONE: (pid: number) => `process ${pid} is gone`,
  ERR_PROCESS_SPAWN: (command: string, reason: string) => `could not start "${command}": ${reason}`,
  ERR_PROCESS_UNREADY: (pid: number, reason: string) => `process ${pid} did not become ready: ${reason}`,
  ERR_SCOPE_CLOSED: (owner: string) => `"${owner}" is closed and takes nothing more`,
  ERR_SOCKET_BIND: (name: string, address: string, reason: string) =>
    `socket "${name}" could not bind ${address}: ${reason}`,
  ERR_SOCKET_CHANGE: (name: string, reason: string) => `socket "${name}" could not be changed: ${reason}`,
  ERR_SOCKET_DUPLICATE: (name: string) => `socket "${name}" exists already`,
  ERR_SOCKET_UNKNOWN: (name: string, watcher: string) =>
    `watcher "${watcher}" names socket "${name}", which is not there`,
  ERR_SYSTEM_CALL: (call: string, reason: string) => `${call}: ${reason}`,
  ERR_WATCHER_DISABLED: (watcher: string, reason: string, what: string) =>
    `watcher "${watcher}" is disabled ${reason}; ${what} is refused until it is enabled (circusctl enable)`,
  ERR_WATCHER_DUPLICATE: (name: string) => `watcher "${name}" exists already`,
  ERR_WATCHER_SINGLETON: (name: string) => `watcher "${name}" is a singleton and has a single process`,
  ERR_WATCHER_UNKNOWN: (name: string) => `watcher "${name}" is not there`,
} as const;

export type ErrorCode = keyof typeof messages;

/** All error codes, for the test that holds them against the documentation. */
export const errorCodes = Object.keys(messages) as readonly ErrorCode[];

/** The one error class of the kernel: a code to branch on, a message to read, `cause` when there was one. */
export class CircusError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'CircusError';
  readonly code: Code;

  constructor(code: Code, facts: Parameters<(typeof messages)[Code]>, options?: ErrorOptions) {
    super((messages[code] as (...facts: unknown[]) => string)(...facts), options);
    this.code = code;
  }
}

/** True for an error of the kernel with this code, also of another copy of the package. */
export function isError<Code extends ErrorCode>(error: unknown, code: Code): error is CircusError<Code> {
  return error instanceof Error && error.name === 'CircusError' && (error as CircusError).code === code;
}

/** The sentence that tells a person what a thrown value says, whatever was thrown. */
export function reasonOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return `something that can't be shown was thrown (${typeof error})`;
  }
}
