/** The examples as they are, but for ports that are free and paths that do not depend on the folder. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { inRoot } from '../support/paths.js';

/** The text of docs/examples/NAME with some texts replaced, each of which must be there. */
export function readExample(name: string, changes: Readonly<Record<string, string>>): string {
  let text = readFileSync(inRoot('docs', 'examples', name), 'utf8');
  for (const [from, to] of Object.entries({ ...changes, 'docs/examples/': `${inRoot('docs', 'examples')}/` })) {
    assert.ok(text.includes(from), `"${from}" is not in ${name}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

/** Resolves with true when nobody listens on this port of this machine. */
export function isClosed(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const client = connect(port, '127.0.0.1');
    client.once('error', () => resolve(true));
    client.once('connect', () => {
      client.destroy();
      resolve(false);
    });
  });
}

/** Asks redis one thing in the inline form of its protocol; resolves with the first line of the answer. */
export function askRedis(port: number, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const client = connect(port, '127.0.0.1', () => client.write(`${line}\r\n`));
    let text = '';
    client.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      // `$5` tells the length of the text in the next line.
      const lines = text.split('\r\n');
      const wanted = text.startsWith('$') && !text.startsWith('$-1') ? 2 : 1;
      if (lines.length <= wanted) return;
      client.destroy();
      resolve(lines[wanted - 1]!);
    });
    client.once('error', reject).once('close', () => reject(new Error(`redis said only "${text}"`)));
  });
}
