// A web worker: serves on the listening socket that circusd owns and handed over as a descriptor.
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { fd: { type: 'string' }, worker: { type: 'string' } } });
const server = createServer((request, response) => {
  response.end(`hello from worker ${values.worker}, process ${process.pid}\n`);
});
server.listen({ fd: Number(values.fd) });

// Asked to stop: accept nobody new, answer those who are here, then go.
process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
