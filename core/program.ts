/** Starting the program of one process: looks it up, opens its pipes, and spawns it at the end of its chain. */
import { constants, statSync } from 'node:fs';
import { CircusError } from './errors.js';
import { findProgram } from './launch.js';
import { Pipe } from './pipe.js';
import { close } from './posix/descriptor.js';
import { spawn, type FileAction } from './posix/spawn.js';
import type { FileSpec, ProcessSpec } from './spec.js';
import { markName } from './tree.js';

/**
 * Starts it with `mark` in its environment; `output` is told what comes through its pipes.
 * @throws ERR_COMMAND_NOT_FOUND, ERR_PROCESS_CWD, ERR_PROCESS_SPAWN
 */
export function startProgram(
  spec: ProcessSpec,
  mark: string,
  output: (chunk: Buffer, fd: number) => void,
): { readonly pid: number; readonly pipes: ReadonlyMap<number, Pipe> } {
  if (!statSync(spec.cwd, { throwIfNoEntry: false })?.isDirectory())
    throw new CircusError('ERR_PROCESS_CWD', [spec.cwd]);
  const program = findProgram(spec.executable ?? spec.command, spec.env['PATH'], spec.cwd);
  const links = spec.chain.flat();
  const path = links[0] === undefined ? program : findProgram(links[0], process.env['PATH'], '/');
  const words = links.length > 0 ? [...links, program, ...spec.args] : [spec.command, ...spec.args];
  const pipes = new Map<number, Pipe>();
  let pid: number | undefined;
  try {
    const files = Object.entries(spec.files).map(([to, file]) =>
      actionFor(Number(to), file, (input) => {
        const pipe = new Pipe((chunk) => output(chunk, Number(to)), input);
        pipes.set(Number(to), pipe);
        return pipe.childEnd;
      }),
    );
    const result = spawn({ path, words, env: spec.env, mark: [markName, mark], cwd: spec.cwd, files });
    if ('errno' in result)
      throw new CircusError('ERR_PROCESS_SPAWN', [spec.command, result.reason], { cause: result.errno });
    pid = result.pid;
    return { pid, pipes };
  } finally {
    for (const pipe of pipes.values()) {
      close(pipe.childEnd);
      if (pid === undefined) pipe.close();
    }
  }
}

function actionFor(to: number, file: FileSpec, openPipe: (input?: string) => number): FileAction {
  if (file === 'inherit') return { to, from: to };
  if (file === 'null') return { to, path: '/dev/null', flags: constants.O_RDWR };
  if (file === 'pipe') return { to, from: openPipe() };
  if ('input' in file) return { to, from: openPipe(file.input) };
  if ('descriptor' in file) return { to, from: file.descriptor };
  return { to, path: file.path, flags: file.flags };
}
