/** The kernel's tables of sockets (proc(5), /proc/net). */
import { readFileSync } from 'node:fs';

/** The rows of a table, by columns; none where the system has no such sockets. */
export function rowsOf(table: 'tcp' | 'tcp6' | 'udp' | 'udp6' | 'unix'): readonly (readonly string[])[] {
  try {
    const [, ...lines] = readFileSync(`/proc/self/net/${table}`, 'utf8').trimEnd().split('\n');
    return lines.map((line) => line.trim().split(/\s+/));
  } catch {
    return [];
  }
}
