/** What the world may import of the kernel. */
export { Arbiter, type ArbiterOptions } from './arbiter.js';
export { slowTaps, type Fault } from './guard.js';
export { systemClock, sleep, abortable, type Clock } from './clock.js';
export { expand, quoteWord, splitWords } from './command.js';
export { CircusError, errorCodes, isError, reasonOf, type ErrorCode } from './errors.js';
export {
  catalogue,
  type Along,
  type Answer,
  type Args,
  type Edges,
  type HookName,
  type HookViews,
  type Place,
  type TapPoint,
  type Verdict,
} from './hooks.js';
export { Host, type Loading, type LoadFailure, type Reloaded } from './host.js';
export { describeExit } from './readiness.js';
export { baseEnvironment, findProgram, usesSocket, withoutSecrets } from './launch.js';
export type { Operation, OperationKind, OperationState, Progress, Report } from './operation.js';
export {
  checkPlugin,
  definePlugin,
  type AnyPlugin,
  type Log,
  type OptionsSchema,
  type Plugin,
  type PluginContext,
  type RunOptions,
  type RunResult,
} from './plugin.js';
export { receiveDatagrams } from './posix/datagram.js';
export { raiseLimit } from './posix/descriptor.js';
export { releaseFilePages, trimMemory } from './posix/memory.js';
export { childrenOf, send } from './posix/process.js';
export { releaseReaper } from './posix/reap.js';
export { signalName } from './posix/spawn.js';
export type { Exit, ExitReason, PastProcess, Process } from './process.js';
export type { ReloadPlan, ReloadReport, ReloadRequest, ReloadStep } from './reload.js';
export { Scope, type Disposer } from './scope.js';
export { service, type Provided, type Service, type Services } from './service.js';
export type { Socket } from './socket.js';
export {
  socketSpec,
  watcherSpec,
  type Environment,
  type FileSpec,
  type ProcessSpec,
  type SocketSpec,
  type WatcherSpec,
} from './spec.js';
export { stopPlan, type StopRequest } from './stop.js';
export type { Means } from './tree.js';
export { circusState, type CircusState, type ProcessState, type WatcherState } from './states.js';
export type { Watcher } from './watcher.js';
