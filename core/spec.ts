/**
 * The immutable descriptions that watchers, processes and sockets are made from.
 *
 * The fields of a watcher and of a socket are Circus's options: same names, same units (seconds, not milliseconds),
 * so that no second vocabulary stands between a configuration file, the controller and the kernel.
 */

/** The environment of a process: names to values. */
export type Environment = Readonly<Record<string, string>>;

/** What one command kept alive N times looks like; all times are in seconds, as in Circus. */
export interface WatcherSpec {
  readonly name: string;
  /** The command line; `$(circus.wid)` and its like are filled in at each spawn. */
  readonly cmd: string;
  /** Further words: a string is split as a shell would, a list is taken as it is. */
  readonly args: string | readonly string[] | null;
  /** How many processes to keep. */
  readonly numprocesses: number;
  /** Pause between two spawns. */
  readonly warmup_delay: number;
  readonly working_dir: string;
  /** Run the words, each quoted, through `sh -c`. */
  readonly shell: boolean;
  readonly shell_args: string | readonly string[] | null;
  /** The program to run in place of the first word, which it is called by all the same; with `shell`, the shell. */
  readonly executable: string | null;
  /** The variables of the configuration; null: none. */
  readonly env: Environment | null;
  /** Put the daemon's own environment under `env`. */
  readonly copy_env: boolean;
  /** The names of the variables in `env` that are shown nowhere. */
  readonly secrets: readonly string[];
  readonly stop_signal: number;
  /** Send the stop signal to the direct children too. */
  readonly stop_children: boolean;
  /** Time between the stop signal and SIGKILL. */
  readonly graceful_timeout: number;
  /** In their place, several signals with their seconds, SIGKILL after the last: `['TERM 10', 'INT 5']`; empty: none. */
  readonly stop_steps: readonly string[];
  /** A graceful reload sends SIGHUP and replaces nothing. */
  readonly send_hup: boolean;
  /** Attempts to spawn before the watcher gives up; -1: no limit. */
  readonly max_retry: number;
  /** Higher starts earlier and stops later. */
  readonly priority: number;
  readonly singleton: boolean;
  /** Replace a process that ended. */
  readonly respawn: boolean;
  /** Start with the daemon. */
  readonly autostart: boolean;
  /** Inherit listening sockets: those named by `sockets`, or all of them when it is empty. */
  readonly use_sockets: boolean;
  readonly sockets: readonly string[];
  /** The socket that is descriptor 0 of each process. */
  readonly stdin_socket: string | null;
  /** Pass the sockets from descriptor 3 on as well, with LISTEN_FDS (systemd's sd_listen_fds(3)). */
  readonly listen_fds: boolean;
  readonly close_child_stdin: boolean;
  readonly close_child_stdout: boolean;
  readonly close_child_stderr: boolean;
  /** How long a process must live to count as ready when nothing else judges it; null: 0 at start, 1 in a replacement. */
  readonly ready_after: number | null;
  /** Plugins without which it must not be spawned, as keys of theirs change what it may do (`uid` needs `limits`). */
  readonly needs: readonly string[];
  /** Everything else that was written: keys of plugins and keys of nobody, values as written. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** A watcher's spec when nothing but its name and command is given. */
export function watcherSpec(given: Partial<WatcherSpec> & Pick<WatcherSpec, 'name' | 'cmd'>): WatcherSpec {
  return Object.freeze({
    args: null,
    numprocesses: 1,
    warmup_delay: 0,
    working_dir: process.cwd(),
    shell: false,
    shell_args: null,
    executable: null,
    env: null,
    copy_env: false,
    secrets: [],
    stop_signal: 15,
    stop_children: false,
    graceful_timeout: 30,
    stop_steps: [],
    send_hup: false,
    max_retry: 5,
    priority: 0,
    singleton: false,
    respawn: true,
    autostart: true,
    use_sockets: false,
    sockets: [],
    stdin_socket: null,
    listen_fds: false,
    close_child_stdin: true,
    close_child_stdout: false,
    close_child_stderr: false,
    ready_after: null,
    needs: [],
    options: {},
    ...given,
  });
}

/** What a descriptor of a child is: the daemon's own, /dev/null, a pipe to the kernel, a file, a text, or another one. */
export type FileSpec =
  | ('inherit' | 'null' | 'pipe')
  | ({ readonly path: string; readonly flags: number } | { readonly input: string } | { readonly descriptor: number });

/** What is about to be spawned: the last form, after all expansion. */
export interface ProcessSpec {
  /** The program; looked up in `env.PATH` when it has no slash. */
  readonly command: string;
  readonly args: readonly string[];
  /** The program where `command` is only what it is called by; behind a chain, it is called by its own name. */
  readonly executable?: string | null;
  /** `command` and `args` as they may be shown, where there are secrets among them. */
  readonly shown?: readonly string[];
  /** Programs put in front of the command, each with its own words (setpriv, prlimit, nice, ...). */
  readonly chain: readonly (readonly string[])[];
  readonly env: Environment;
  readonly cwd: string;
  /** By descriptor number; what is not named is closed. */
  readonly files: Readonly<Record<number, FileSpec>>;
}

/** What a listening socket looks like, in Circus's words. */
export interface SocketSpec {
  /** Lower case. */
  readonly name: string;
  readonly family: 'AF_INET' | 'AF_INET6' | 'AF_UNIX';
  readonly type: 'SOCK_STREAM' | 'SOCK_DGRAM' | 'SOCK_RAW' | 'SOCK_RDM' | 'SOCK_SEQPACKET';
  /** Name of a protocol (`tcp`, `udp`); null: the default of the type. */
  readonly proto: string | null;
  readonly host: string;
  readonly port: number;
  /** The address of a Unix socket. */
  readonly path: string | null;
  readonly backlog: number;
  /** The mask under which a Unix socket's file is made, as a number (Circus's default is 8, octal 010). */
  readonly umask: number;
  /** The ids of the user and the group whose file it is; null: the daemon's. */
  readonly owner: number | null;
  readonly group: number | null;
  /** Remove a file that is in the way of a Unix socket. */
  readonly replace: boolean;
  readonly so_reuseport: boolean;
  readonly blocking: boolean;
  /** Bind to this network device. */
  readonly interface: string | null;
}

/** A socket's spec when nothing but its name is given. */
export function socketSpec(given: Partial<SocketSpec> & Pick<SocketSpec, 'name'>): SocketSpec {
  return Object.freeze({
    family: given.path == null ? 'AF_INET' : 'AF_UNIX',
    type: 'SOCK_STREAM',
    proto: null,
    host: 'localhost',
    port: 8080,
    path: null,
    backlog: 2048,
    umask: 8,
    owner: null,
    group: null,
    replace: false,
    so_reuseport: false,
    blocking: false,
    interface: null,
    ...given,
  });
}
