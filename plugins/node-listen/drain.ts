/** The end of a program that has none of its own: it serves whom it has accepted, and then ends by the signal. */
import { Server } from 'node:net';

/** Parts of servers for HTTP, and what they make for each request. */
interface HttpServer extends Server {
  closeIdleConnections?(): void;
}
interface Session {
  close(): void;
}
interface HttpRequest {
  readonly httpVersionMajor: number;
}
interface HttpResponse {
  readonly headersSent: boolean;
  setHeader(name: string, value: string): void;
}

/** After this time (ms) connections on which nothing is asked are closed. */
const idleTime = 1000;
const servers = new Set<HttpServer>();
const sessions = new Set<Session>();
let isArmed = false;

/** Has clients of HTTP 1 come back on a new connection, which another process accepts. */
function lastAnswer({ httpVersionMajor }: HttpRequest, response: HttpResponse): void {
  if (httpVersionMajor === 1 && !response.headersSent) response.setHeader('Connection', 'close');
}

/** Resolves when the last connection is gone. Not HTTP's own close: that cuts off whoever is just about to ask. */
const closed = (server: HttpServer) =>
  new Promise<void>((resolve) => {
    server.prependListener('request', lastAnswer);
    Server.prototype.close.call(server, () => resolve());
    setTimeout(() => server.closeIdleConnections?.(), idleTime).unref();
  });

async function drain(signal: NodeJS.Signals): Promise<void> {
  for (const session of sessions) session.close();
  await Promise.all([...servers].map(closed));
  process.kill(process.pid, signal);
}

/** Has this server finish its work when the signal comes, unless the program does something about the signal itself. */
export function drainAt(signal: NodeJS.Signals, server: Server): void {
  if (!isArmed) {
    isArmed = true;
    const asked = () => {
      if (process.listenerCount(signal) > 1) return;
      // A second signal ends it at once.
      process.off(signal, asked);
      void drain(signal);
    };
    process.prependListener(signal, asked);
  }
  servers.add(server);
  server.once('close', () => servers.delete(server));
  server.on('session', (session: Session & { once(event: 'close', action: () => void): void }) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
}
