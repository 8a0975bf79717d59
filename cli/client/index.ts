/** The client of the daemon, as programs use it: `circusd/client`. */
export { Client, connect } from './client.js';
export type { ClientOptions, EventOptions, RequestOptions } from './options.js';
export type * from './commands.js';
export type * from './told.js';
export { ClientError, clientErrorCodes, isClientError, type ClientErrorCode, type Reply } from './errors.js';
export type { RolledBack } from './intent.js';
export type { EventStream, WatcherEvent } from './events.js';
export type { Curve, CurveFiles } from './socket.js';
