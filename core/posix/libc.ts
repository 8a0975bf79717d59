/** The C library: every signature that circusd calls stands here. */
import { constants } from 'node:os';
import koffi from 'koffi';
import { CircusError } from '../errors.js';

/** A pointer argument that a Node buffer fills. */
type Out = Buffer;

function load() {
  if (process.platform !== 'linux') throw new CircusError('ERR_PLATFORM_UNSUPPORTED', [process.platform]);
  // Without a name: what is loaded already, so that glibc and musl are found alike.
  const libc = koffi.load(null);
  const call = <F>(signature: string) => libc.func(signature) as unknown as F & { async(...args: unknown[]): void };
  return {
    posix_spawn: call<
      (pid: Out, path: string, actions: Out, attributes: Out, argv: (string | null)[], env: (string | null)[]) => number
    >(
      'int posix_spawn(_Out_ uint8_t *pid, const char *path, uint8_t *actions, uint8_t *attributes, const char **argv, const char **env)',
    ),
    actions_init: call<(actions: Out) => number>('int posix_spawn_file_actions_init(uint8_t *actions)'),
    actions_destroy: call<(actions: Out) => number>('int posix_spawn_file_actions_destroy(uint8_t *actions)'),
    actions_dup2: call<(actions: Out, from: number, to: number) => number>(
      'int posix_spawn_file_actions_adddup2(uint8_t *actions, int from, int to)',
    ),
    actions_open: call<(actions: Out, fd: number, path: string, flags: number, mode: number) => number>(
      'int posix_spawn_file_actions_addopen(uint8_t *actions, int fd, const char *path, int flags, uint32_t mode)',
    ),
    actions_chdir: call<(actions: Out, path: string) => number>(
      'int posix_spawn_file_actions_addchdir_np(uint8_t *actions, const char *path)',
    ),
    attributes_init: call<(attributes: Out) => number>('int posix_spawnattr_init(uint8_t *attributes)'),
    attributes_flags: call<(attributes: Out, flags: number) => number>(
      'int posix_spawnattr_setflags(uint8_t *attributes, int16_t flags)',
    ),
    attributes_mask: call<(attributes: Out, set: Out) => number>(
      'int posix_spawnattr_setsigmask(uint8_t *attributes, uint8_t *set)',
    ),
    attributes_default: call<(attributes: Out, set: Out) => number>(
      'int posix_spawnattr_setsigdefault(uint8_t *attributes, uint8_t *set)',
    ),
    waitid: call<(type: number, id: number, info: Out, options: number) => number>(
      'int waitid(int type, uint32_t id, uint8_t *info, int options)',
    ),
    prctl: call<(option: number, a: number, b: number, c: number, d: number) => number>(
      'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
    ),
    getrlimit: call<(resource: number, limit: Out) => number>('int getrlimit(int resource, _Out_ uint8_t *limit)'),
    setrlimit: call<(resource: number, limit: Out) => number>('int setrlimit(int resource, const uint8_t *limit)'),
    socket: call<(domain: number, type: number, protocol: number) => number>(
      'int socket(int domain, int type, int protocol)',
    ),
    bind: call<(fd: number, address: Buffer, length: number) => number>(
      'int bind(int fd, const uint8_t *address, uint32_t length)',
    ),
    listen: call<(fd: number, backlog: number) => number>('int listen(int fd, int backlog)'),
    getsockname: call<(fd: number, address: Out, length: Out) => number>(
      'int getsockname(int fd, _Out_ uint8_t *address, _Inout_ uint8_t *length)',
    ),
    getsockopt: call<(fd: number, level: number, option: number, value: Out, length: Out) => number>(
      'int getsockopt(int fd, int level, int option, _Out_ uint8_t *value, _Inout_ uint8_t *length)',
    ),
    setsockopt: call<(fd: number, level: number, option: number, value: Buffer, length: number) => number>(
      'int setsockopt(int fd, int level, int option, const uint8_t *value, uint32_t length)',
    ),
    recvmsg: call<(fd: number, header: Buffer, flags: number) => number>(
      'long recvmsg(int fd, uint8_t *header, int flags)',
    ),
    fcntl: call<(fd: number, command: number, argument: number) => number>(
      'int fcntl(int fd, int command, int argument)',
    ),
    dup3: call<(from: number, to: number, flags: number) => number>('int dup3(int from, int to, int flags)'),
    pipe2: call<(ends: Out, flags: number) => number>('int pipe2(_Out_ uint8_t *ends, int flags)'),
    close: call<(fd: number) => number>('int close(int fd)'),
    eventfd: call<(value: number, flags: number) => number>('int eventfd(unsigned int value, int flags)'),
    epoll_create1: call<(flags: number) => number>('int epoll_create1(int flags)'),
    epoll_ctl: call<(epoll: number, operation: number, fd: number, event: Buffer) => number>(
      'int epoll_ctl(int epoll, int operation, int fd, const uint8_t *event)',
    ),
    epoll_wait: call<(epoll: number, events: Out, count: number, timeout: number) => number>(
      'int epoll_wait(int epoll, _Out_ uint8_t *events, int count, int timeout)',
    ),
    madvise: call<(from: number, length: number, advice: number) => number>(
      'int madvise(uintptr_t from, size_t length, int advice)',
    ),
    // Looked up when it is called: musl has none.
    malloc_trim: () => call<(pad: number) => number>('int malloc_trim(size_t pad)')(0),
    syscall: call<(number: number, a: number, b: number) => number>('long syscall(long number, long a, long b)'),
    io_setup: call<(number: number, count: number, queue: Out) => number>(
      'long syscall(long number, long count, _Out_ uint8_t *queue)',
    ),
    io_submit: call<(number: number, queue: number, count: number, requests: readonly Buffer[]) => number>(
      'long syscall(long number, long queue, long count, const uint8_t **requests)',
    ),
    strerror: call<(number: number) => string>('const char *strerror(int number)'),
  };
}

let loaded: ReturnType<typeof load> | undefined;

/** The C library, loaded and tested at first use. @throws ERR_PLATFORM_UNSUPPORTED, ERR_SYSTEM_CALL */
export function libc(): ReturnType<typeof load> {
  if (!loaded) selfTest((loaded = load()));
  return loaded;
}

/** A library that is called by wrong signatures would fail in strange ways later: better here, and in words. */
function selfTest({ fcntl, getrlimit }: ReturnType<typeof load>): void {
  const noFile = fcntl(-1, 1, 0) === -1 && koffi.errno() === constants.errno.EBADF;
  const limit = Buffer.alloc(16);
  const limited = getrlimit(7, limit) === 0 && limit.readBigUInt64LE(0) <= limit.readBigUInt64LE(8);
  if (!noFile || !limited)
    throw new CircusError('ERR_SYSTEM_CALL', ['the self-test of the C library', 'unexpected answers']);
}

/** The C library's words for an error number. */
export const wordsOf = (number: number): string => libc().strerror(number);

/** The result of a call that answers -1 on failure. @throws ERR_SYSTEM_CALL with `errno` as cause */
export function checked(call: string, result: number): number {
  if (result >= 0) return result;
  const number = koffi.errno();
  throw new CircusError('ERR_SYSTEM_CALL', [call, wordsOf(number)], { cause: number });
}
