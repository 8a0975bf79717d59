/** Ports of this machine. */
import { createServer, type AddressInfo } from 'node:net';

/** Resolves with a TCP port of 127.0.0.1 that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

/** Resolves when nobody listens on these TCP ports of 127.0.0.1. @throws when somebody does */
export async function portsAreFree(...ports: readonly number[]): Promise<true> {
  for (const port of ports) {
    const server = createServer();
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
  return true;
}
