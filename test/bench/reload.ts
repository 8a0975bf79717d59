/**
 * Requests that are lost or wait while processes are replaced by good and bad new versions, beside PM2 and supervisord.
 * Part of `npm run bench`. RELOADS=10 shortens it, PROGRAMS=nginx,Node takes only these, PEERS=0 leaves the others out.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Deployment, examples, filesOf, firstVersion, type Example, type Kind } from '../e2e/gapless.js';
import { eventually } from '../support/eventually.js';
import { OpenLoop, percentile, serves, sustained, type Outcome } from '../support/open-loop.js';
import { freePort } from '../support/ports.js';
import { fetchPm2, findSupervisord, type PeerKind } from '../support/reload-peers.js';
import { makeTemporary } from '../support/temporary.js';

const reloads = Number(process.env['RELOADS'] ?? 100);
/** Of those that take seconds each, and of those of others. */
const fewer = { slow: Math.ceil(reloads / 20), peers: Math.ceil(reloads / 5) };
const sizes = [1, 4];
const mostPerSecond = 2000;
/** How long a program is measured without reloads, in ms. */
const alone = { sustained: 3000, baseline: 10_000 };
/** What 99.9 % of the requests may take at most, in ms; or twice what they take without reloads. */
const bound = 250;
/** How late a version is in being ready, and how long it is waited for it and for its end; in s. */
const late = 5;
const usual = { 'ready.timeout': 60, graceful_timeout: 35 };
const hanging = { 'ready.timeout': 2, graceful_timeout: 2 };

/** Something that serves, and whose version can be replaced. */
interface Target {
  readonly port: number;
  deploy(version: string, kind?: Kind): void;
  /** Resolves with the reason when it fails. */
  reload(): Promise<string | undefined>;
}

/** What is done to it. */
interface Case {
  readonly keepAlive: boolean;
  readonly kind: 'good' | 'crash' | 'hang' | 'late';
  readonly count: number;
}

/** One line of the table. */
interface Row extends Case {
  readonly who: string;
  readonly copies: number;
  readonly rate: number;
  /** p99.9 without reloads, in ms. */
  readonly without: number;
  readonly outcome: Outcome;
  /** Reloads that ended otherwise than they should; undefined where nothing is asked for. */
  readonly astray: number | undefined;
}

const slowest = ({ latencies }: Outcome) => percentile(latencies, 0.999);
const lost = ({ failed }: Outcome) => [...failed.values()].reduce((all, count) => all + count, 0);
const fits = ({ outcome, without, astray }: Row) =>
  lost(outcome) === 0 && astray === 0 && slowest(outcome) <= Math.max(bound, 2 * without);

const columns: readonly (readonly [string, number, (row: Row) => string | number])[] = [
  ['', 4, (row) => (row.astray === undefined ? '' : fits(row) ? 'ok' : 'FAIL')],
  ['program', 29, ({ who }) => who],
  ['copies', 6, ({ copies }) => copies],
  ['connection', 10, ({ keepAlive }) => (keepAlive ? 'kept' : 'one each')],
  ['version', 7, ({ kind }) => kind],
  ['reloads', 7, ({ count }) => count],
  ['requests', 8, ({ outcome }) => outcome.sent],
  ['per s', 5, ({ rate }) => Math.round(rate)],
  ['failed', 6, ({ outcome }) => lost(outcome) - (outcome.failed.get('reset') ?? 0)],
  ['reset', 5, ({ outcome }) => outcome.failed.get('reset') ?? 0],
  ['crossed', 7, ({ outcome }) => outcome.crossed],
  ['p99.9', 9, ({ outcome }) => `${slowest(outcome).toFixed(1)} ms`],
  ['without', 9, ({ without }) => `${without.toFixed(1)} ms`],
];

const line = (cells: readonly (string | number)[]) =>
  console.log(cells.map((cell, at) => String(cell).padEnd(columns[at]![1])).join(' '));

function show(row: Row): void {
  line(columns.map(([, , value]) => value(row)));
  if (row.astray === undefined) return;
  for (const complaint of row.outcome.complaints) console.log(`       ${complaint}`);
  if (row.astray > 0) console.log(`       ${row.astray} reloads ended otherwise than they should`);
  if (!fits(row)) process.exitCode = 1;
}

/** One target under load. */
class Trial {
  readonly #target: Target;
  readonly #isOurs: boolean;
  #version = firstVersion;
  #latest = 1;

  constructor(target: Target, isOurs: boolean) {
    this.#target = target;
    this.#isOurs = isOurs;
  }

  load(rate: number, keepAlive: boolean): OpenLoop {
    return new OpenLoop({ port: this.#target.port, rate, keepAlive, versions: [this.#version] });
  }

  /** Reloads once; resolves with true when that ended as it should. */
  async reload(load: OpenLoop, kind: Case['kind']): Promise<boolean> {
    const [before, next] = [this.#version, `v${++this.#latest}`];
    const isGood = kind === 'good' || kind === 'late';
    // Of others it is only asked whether somebody answers.
    load.expect(before, ...(isGood || !this.#isOurs ? [next] : []));
    this.#target.deploy(next, kind === 'late' ? { late } : kind);
    const failure = await this.#target.reload();
    if (isGood) this.#version = next;
    this.#target.deploy(this.#version);
    if (this.#isOurs) {
      load.expect(this.#version);
      return (failure === undefined) === isGood;
    }
    if (!isGood) await this.#mend();
    return true;
  }

  /** Has a peer serve again after a bad version. */
  async #mend(): Promise<void> {
    await this.#target.reload();
    await eventually(() => serves(this.#target.port), { within: 30_000, every: 100 });
  }
}

/** Measures a target without reloads, then with each case; the lines are shown as they come. */
async function measure(who: string, copies: number, target: Target, cases: readonly Case[], isOurs: boolean) {
  const trial = new Trial(target, isOurs);
  const rate = Math.min(mostPerSecond, (await sustained(target.port, alone.sustained)) / 2);
  const without = new Map<boolean, number>();
  for (const keepAlive of [false, true]) {
    const load = trial.load(rate, keepAlive);
    await sleep(alone.baseline);
    without.set(keepAlive, slowest(await load.stop()));
  }
  for (const one of cases) {
    if (target instanceof Deployment) await target.set(one.kind === 'hang' ? hanging : usual);
    const load = trial.load(rate, one.keepAlive);
    let astray = 0;
    for (let round = 0; round < one.count; round++) if (!(await trial.reload(load, one.kind))) astray++;
    const outcome = await load.stop();
    const given = { who, copies, rate, without: without.get(one.keepAlive)!, outcome };
    show({ ...one, ...given, astray: isOurs ? astray : undefined });
  }
}

const casesOf = (good: number, slow: number): readonly Case[] => [
  { keepAlive: false, kind: 'good', count: good },
  { keepAlive: true, kind: 'good', count: good },
  { keepAlive: false, kind: 'crash', count: good },
  { keepAlive: false, kind: 'hang', count: slow },
  { keepAlive: false, kind: 'late', count: slow },
];

async function measureOurs(example: Example, copies: number): Promise<void> {
  const deployment = await Deployment.start(example, copies);
  try {
    await measure(example.name, copies, deployment, casesOf(reloads, fewer.slow), true);
    await deployment.stop();
  } finally {
    await deployment.close();
  }
}

async function measurePeer(kind: PeerKind, example: Example, copies: number): Promise<void> {
  const folder = makeTemporary();
  const port = await freePort();
  const listening = kind.listens === 'itself' ? `${port}, '127.0.0.1'` : '{ fd: 0 }';
  const program = { ...example, text: example.text.replace('{ fd: Number(process.argv[2]) }', listening) };
  const deploy = (version: string, how: Kind = 'good') => {
    for (const [name, text] of Object.entries(filesOf(program, port, version, how))) folder.write(name, text);
  };
  deploy(firstVersion);
  const peer = await kind.start({ folder, port, processes: copies });
  try {
    await eventually(() => serves(port));
    await measure(kind.name, copies, { port, deploy, reload: () => peer.reload() }, casesOf(fewer.peers, 1), false);
  } finally {
    await peer.stop();
    folder.remove();
  }
}

async function comparePeers(example: Example): Promise<void> {
  const folder = makeTemporary();
  try {
    const kinds = [findSupervisord()];
    try {
      kinds.push(await fetchPm2(folder));
    } catch (error) {
      console.log(`PM2 is left out, as npm does not have it here: ${(error as Error).message}`);
    }
    if (!kinds[0]) console.log('supervisord is left out, as it is not installed: run "npm run setup:tests"');
    for (const kind of kinds) for (const copies of sizes) if (kind) await measurePeer(kind, example, copies);
  } finally {
    folder.remove();
  }
}

const all = examples();
const chosen = process.env['PROGRAMS']?.split(',');
line(columns.map(([name]) => name));
for (const example of all)
  if (chosen?.includes(example.name) ?? true) for (const copies of sizes) await measureOurs(example, copies);
if (process.env['PEERS'] !== '0') await comparePeers(all.find(({ text }) => text.includes('process.argv[2]'))!);
