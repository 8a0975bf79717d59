/** The programs of docs/guides/zero-downtime.md, and new versions of them: good ones and bad ones. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fencesOf } from '../meta/markdown.js';
import { Client } from '../plugins/client.js';
import { startCircusd, type Circusd } from '../support/circusd.js';
import { eventually } from '../support/eventually.js';
import { serves } from '../support/open-loop.js';
import { inRoot } from '../support/paths.js';
import { freePort } from '../support/ports.js';

/** One section of the guide. */
export interface Example {
  /** Its heading. */
  readonly name: string;
  readonly ini: string;
  /** The file that is the program. */
  readonly file: string;
  readonly text: string;
}

/** What a new version does when it is started: it serves, ends, never gets ready, or serves after some seconds. */
export type Kind = 'good' | 'crash' | 'hang' | { readonly late: number };

/** The version in the guide; others are this text with another name. */
export const firstVersion = 'v1';
/** How long a command may take, in ms. */
const patience = 120_000;
/** Longer than any test waits, in s. */
const forever = 3600;

/** The sections of the guide that have a configuration and a program. */
export function examples(): readonly Example[] {
  const guide = readFileSync(inRoot('docs', 'guides', 'zero-downtime.md'), 'utf8');
  return guide.split(/^## /m).flatMap((section) => {
    const fences = fencesOf(section);
    const ini = fences.find(({ info }) => info === 'ini');
    const program = fences.find(({ info }) => info.includes(' '));
    if (!ini || !program) return [];
    return { name: section.split('\n', 1)[0]!, ini: ini.text, file: program.info.split(' ')[1]!, text: program.text };
  });
}

const secondsOf = (kind: Exclude<Kind, 'good' | 'crash'>) => (kind === 'hang' ? forever : kind.late);

/** What stands in front of a program of each language, so that it behaves like that. */
const preludes: Readonly<Record<string, (kind: Exclude<Kind, 'good'>) => string>> = {
  mjs: (kind) =>
    kind === 'crash'
      ? "throw new Error('broken');\n"
      : `await new Promise((go) => setTimeout(go, ${secondsOf(kind) * 1000}));\n`,
  py: (kind) => (kind === 'crash' ? 'raise RuntimeError("broken")\n' : `import time\ntime.sleep(${secondsOf(kind)})\n`),
  // It can't be slow by itself: see `launcher`.
  conf: (kind) => (kind === 'crash' ? 'broken;\n' : ''),
};

const launcher = (kind: Kind) =>
  `${kind === 'good' || kind === 'crash' ? '' : `sleep ${secondsOf(kind)}\n`}exec /usr/sbin/nginx "$@"\n`;

/** The files of a version: the program, and what starts nginx. */
export function filesOf({ file, text }: Example, port: number, version: string, kind: Kind): Record<string, string> {
  const prelude = kind === 'good' ? '' : preludes[file.split('.')[1]!]!(kind);
  const program = prelude + text.replaceAll(firstVersion, version).replaceAll('8080', String(port));
  return { [file]: program, 'nginx.sh': launcher(kind) };
}

/** A watcher `web` that runs an example. */
export class Deployment {
  readonly port: number;
  readonly daemon: Circusd;
  readonly #example: Example;
  readonly #client: Client;

  private constructor(example: Example, port: number, daemon: Circusd) {
    this.#example = example;
    this.port = port;
    this.daemon = daemon;
    this.#client = new Client(daemon.endpoint, patience);
  }

  /** Starts it with so many processes; resolves when it answers. */
  static async start(example: Example, processes: number): Promise<Deployment> {
    const port = await freePort();
    const ini = example.ini
      .replace('8080', String(port))
      .replace(/^numprocesses = \d+$/m, `numprocesses = ${processes}`)
      .replace('cmd = /usr/sbin/nginx ', 'cmd = sh nginx.sh ');
    const [, program = ''] = /^cmd = (\S+)/m.exec(example.ini)!;
    assert.ok(
      ['', '/bin/', '/usr/bin/', `${dirname(process.execPath)}/`].some((folder) => existsSync(folder + program)),
      `${program} is missing: run "npm run setup:tests"`,
    );
    const daemon = await startCircusd(`${ini}[env:web]\nPYTHONDONTWRITEBYTECODE = 1\n`, {
      files: filesOf(example, port, firstVersion, 'good'),
      env: { PATH: `${dirname(process.execPath)}:${process.env['PATH']}` },
    });
    const deployment = new Deployment(example, port, daemon);
    try {
      await eventually(() => deployment.answers(firstVersion), { within: 20_000 });
    } catch (error) {
      console.error(daemon.log);
      await deployment.close();
      throw error;
    }
    return deployment;
  }

  /** Resolves with true when this version answers. @throws ExchangeError when nobody does */
  async answers(version: string): Promise<boolean> {
    return (await serves(this.port)).body === `${version} /\n`;
  }

  /** Puts a version in the place of the one on the disk. */
  deploy(version: string, kind: Kind = 'good'): void {
    for (const [name, text] of Object.entries(filesOf(this.#example, this.port, version, kind)))
      this.daemon.folder.write(name, text);
  }

  /** Reloads; resolves with the reason when that fails. */
  async reload(): Promise<string | undefined> {
    const { status, reason } = await this.#client.ask('reload', { name: 'web', waiting: true });
    return status === 'ok' ? undefined : String(reason);
  }

  /** Changes options of the watcher. */
  async set(options: Readonly<Record<string, number>>): Promise<void> {
    const { status, reason } = await this.#client.ask('set', { name: 'web', options, waiting: true });
    assert.equal(status, 'ok', String(reason));
  }

  pids(): Promise<number[]> {
    return this.#client.pids('web');
  }

  /** Ends the daemon as an operator does. @throws when something is left */
  async stop(): Promise<void> {
    assert.equal(await this.daemon.stop(), 0);
  }

  /** For the end, however it came to it. */
  async close(): Promise<void> {
    this.#client.close();
    await this.daemon.kill();
  }
}
