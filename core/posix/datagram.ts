/** Datagrams from processes of this machine; who sent one is told by the system, not by the sender. */
import koffi from 'koffi';
import { close } from './descriptor.js';
import { checked, libc } from './libc.js';
import { bindSocket } from './socket.js';
import { waiter } from './wait.js';

/**
 * Receives what is sent to the abstract address `name` (`@name` in texts), with the pid of its sender, until the
 * returned function is called. Descriptors that come along are closed. @throws ERR_SYSTEM_CALL
 */
export function receiveDatagrams(name: string, told: (message: Buffer, pid: number) => void): () => void {
  const plain = { protocol: 0, backlog: 0, reusePort: false, device: null, blocking: false };
  const fd = bindSocket({ ...plain, family: 'AF_UNIX', type: 'SOCK_DGRAM', address: { path: `\0${name}` } });
  // SOL_SOCKET, SO_PASSCRED
  checked('setsockopt', libc().setsockopt(fd, 1, 16, Buffer.from([1, 0, 0, 0]), 4));
  // With room for credentials and no more, the system itself closes descriptors.
  const [message, control] = [Buffer.alloc(4096), Buffer.alloc(32)];
  const words = (...all: bigint[]) => Buffer.from(BigUint64Array.from(all).buffer);
  const vector = words(koffi.address(message), 4096n);
  const header = () => words(0n, 0n, koffi.address(vector), 1n, koffi.address(control), 32n, 0n);
  const release = waiter.watch(fd, () => {
    for (let size; (size = libc().recvmsg(fd, header(), 0)) >= 0;)
      told(Buffer.from(message.subarray(0, size)), control.readInt32LE(16));
  });
  return () => {
    release();
    close(fd);
  };
}
