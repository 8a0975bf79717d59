/** The client of the daemon, as programs use it: `circusd/client`. */
export { Client, connect, type ClientOptions, type EventOptions, type RequestOptions } from './client.js';
export type * from './commands.js';
export { ClientError, clientErrorCodes, isClientError, type ClientErrorCode, type Reply } from './errors.js';
export type { RolledBack } from './intent.js';
export type { EventStream, WatcherEvent } from './events.js';
export type { Curve, CurveFiles } from './socket.js';
