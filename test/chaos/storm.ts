/**
 * Random kills, suspensions, resizes, restarts and reloads on 50 watchers: part of `npm run chaos`. At the end exactly the
 * wanted processes run, and nothing else is left. `npm run chaos -- storm 20 7` takes 20 s in place of 60, and makes the
 * decisions of seed 7.
 */
import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type Reply } from '../plugins/client.js';
import { startCircusd, type Circusd } from '../support/circusd.js';
import { eventually } from '../support/eventually.js';
import { fixture } from '../support/paths.js';
import { descendantsOf, describeProcess, environmentOf, lives, type Seen } from '../support/proc.js';

const numbers = process.argv.slice(2).filter((word) => /^\d+$/.test(word));
const [seconds = 60, seed = Math.floor(Math.random() * 2 ** 31)] = numbers.map(Number);
const watchers = 50;
/** So many clients at once, each with watchers of its own: it knows how many processes each is to have. */
const clients = 5;
const most = 4;

/** What the watchers run, in turn. */
const programs: readonly string[] = [
  'cmd = sleep 600',
  `cmd = sh -c 'sleep 600 & sleep 601'`,
  `cmd = ${fixture('flee-session.sh')}`,
  `cmd = ${fixture('ignore-term.sh')}\nstop_steps = TERM 0.2, INT 0.1, KILL`,
  `cmd = ${fixture('double-fork.py')}`,
  `cmd = sh -c 'trap "" TERM; sleep 600 | cat & wait'\ngraceful_timeout = 0.3`,
  `cmd = ${fixture('grow-tree.sh')} 1\nstop_children = True`,
  'cmd = sleep 600\nsingleton = True',
];
const ini = Array.from({ length: watchers }, (_, at) => {
  const program = programs[at % programs.length]!;
  const count = program.includes('singleton') ? 1 : 1 + (at % 3);
  return `
[watcher:w${at}]
${program}
numprocesses = ${count}
close_child_stdout = True
copy_env = True
max_retry = -1
ready_after = 0.05
${program.includes('_timeout') || program.includes('steps') ? '' : 'graceful_timeout = 1'}
`;
}).join('');

/** Numbers from 0 up to `below`, always the same ones for a seed (mulberry32). */
function dice(from: number): (below: number) => number {
  let state = from;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const done = new Map<string, number>();
const count = (what: string) => done.set(what, (done.get(what) ?? 0) + 1);
const send = (pid: number, signal: NodeJS.Signals) => {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended in the meantime.
  }
};

/** The longest time until an answer, in ms. */
let longest = 0;
/** The watchers that somebody has stopped. */
const down = new Set<string>();

/** What may be the answer to something that another request has overtaken. */
const overtaken = /cancelled|did not become ready/;

/** One operator: does one thing after the other to the watchers that are his, and keeps account of their number. */
async function operate(
  daemon: Circusd,
  number: number,
  wanted: Map<string, number>,
  over: () => boolean,
): Promise<void> {
  const throwDice = dice(seed + number);
  // A request waits for those before it, and they for programs that are suspended.
  const client = new Client(daemon.endpoint, 60_000);
  const names = [...wanted.keys()].filter((_, at) => at % clients === number);
  const ask = async (command: string, properties: Reply) => {
    count(command);
    const name = String(properties['name']);
    if (command === 'stop') down.add(name);
    if (/^(start|restart|reload)$/.test(command)) down.delete(name);
    const begun = performance.now();
    const reply = await client.ask(command, { ...properties, waiting: throwDice(3) === 0 });
    longest = Math.max(longest, performance.now() - begun);
    if (reply['status'] !== 'ok' && !overtaken.test(String(reply['reason'])))
      throw new Error(`${command} ${JSON.stringify(properties)}: ${JSON.stringify(reply)}`);
  };
  const resize = (name: string, to: number) => {
    const goal = Math.max(0, Math.min(most, to));
    wanted.set(name, goal);
    return goal;
  };
  while (!over()) {
    const name = names[throwDice(names.length)]!;
    const isSingle = programs[Number(name.slice(1)) % programs.length]!.includes('singleton');
    const before = wanted.get(name)!;
    switch (throwDice(9)) {
      case 0:
      case 1:
        if (!isSingle && before < most)
          await ask('incr', { name, nb: resize(name, before + 1 + throwDice(2)) - before });
        break;
      case 2:
      case 3:
        if (!isSingle && before > 0) await ask('decr', { name, nb: before - resize(name, before - 1 - throwDice(2)) });
        break;
      case 4:
        await ask('set', { name, options: { numprocesses: isSingle ? 1 : resize(name, throwDice(most + 1)) } });
        break;
      case 5:
        await ask('restart', { name });
        break;
      case 6:
        await ask('reload', { name, sequential: throwDice(4) === 0, graceful: throwDice(4) > 0 });
        break;
      case 7:
        await ask('kill', { name, ...(throwDice(2) ? { signum: 'int', graceful_timeout: 0.1 } : {}) });
        break;
      default:
        await ask('stop', { name });
        if (throwDice(2)) await ask('start', { name });
    }
    await sleep(throwDice(60));
  }
  client.close();
}

/** Kills and suspends whatever runs below the daemon. */
async function strike(daemon: Circusd, over: () => boolean): Promise<void> {
  const throwDice = dice(seed - 1);
  while (!over()) {
    const all = descendantsOf(daemon.pid).filter(({ zombie }) => !zombie);
    for (let blows = Math.min(3, all.length); blows > 0; blows--) {
      const victim = all[throwDice(all.length)]!;
      if (throwDice(3) > 0) {
        count('SIGKILL');
        send(victim.pid, 'SIGKILL');
      } else {
        count('SIGSTOP');
        send(victim.pid, 'SIGSTOP');
        if (throwDice(4) > 0) setTimeout(() => lives(victim) && send(victim.pid, 'SIGCONT'), throwDice(500));
      }
    }
    await sleep(20 + throwDice(80));
  }
}

const descriptorsOf = (pid: number) =>
  readdirSync(`/proc/${pid}/fd`)
    .map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/\d+/g, 'N'))
    .sort();
const describe = (all: readonly Seen[]) => all.map(({ pid }) => describeProcess(pid)).join('\n');
const patient = { within: 30_000, every: 100 };

/** Stops all watchers, and asserts that nothing of them is left. */
async function assertAllGone(daemon: Circusd): Promise<void> {
  const stopped = await daemon.ctl('stop', '--waiting');
  assert.equal(stopped.code, 0, stopped.stderr);
  assert.equal(describe(descendantsOf(daemon.pid).filter(({ zombie }) => !zombie)), '', 'nothing lives after a stop');
  await eventually(() => assert.equal(describe(descendantsOf(daemon.pid)), '', 'no zombie is left'), patient);
}

/** Starts all watchers, and asserts that exactly the wanted processes run. */
async function assertAllThere(daemon: Circusd, wanted: ReadonlyMap<string, number>): Promise<void> {
  assert.equal((await daemon.ctl('start', '--waiting')).code, 0);
  await assertWanted(daemon, wanted, false);
}

/** Asserts that exactly the wanted processes run; what a killed process has left behind runs on until the next stop. */
async function assertWanted(daemon: Circusd, wanted: ReadonlyMap<string, number>, mayLeave: boolean): Promise<void> {
  await eventually(async () => {
    const client = new Client(daemon.endpoint, 60_000);
    const found = new Map<string, number>();
    const known = new Set<number>();
    for (const name of wanted.keys()) {
      const pids = (await client.ask('list', { name }))['pids'] as readonly number[];
      found.set(name, pids.length);
      for (const pid of pids) {
        known.add(pid);
        assert.equal(environmentOf(pid)['CIRCUS_ID']?.split(':')[1], name);
      }
    }
    client.close();
    assert.deepEqual(found, wanted);
    const all = descendantsOf(daemon.pid);
    assert.equal(describe(all.filter(({ zombie }) => zombie)), '', 'no zombie');
    // What a double fork makes comes to the daemon on purpose.
    const orphans = all.filter(
      ({ parent, pid, name }) => !mayLeave && parent === daemon.pid && !known.has(pid) && name !== 'double-fork.py',
    );
    assert.equal(describe(orphans), '', 'no orphan');
  }, patient);
}

console.log(
  `chaos of ${seconds} s on ${watchers} watchers; npm run chaos -- storm ${seconds} ${seed} makes the same decisions`,
);
const wanted = new Map<string, number>();
for (const [, name, number] of ini.matchAll(/\[watcher:(\w+)\][^[]*?numprocesses = (\d+)/g))
  wanted.set(name!, Number(number));
const daemon = await startCircusd(ini, { ready: ({ log }) => log.includes('waiting for commands') });
try {
  await assertAllThere(daemon, wanted);
  await assertAllGone(daemon);
  const descriptors = descriptorsOf(daemon.pid);
  await assertAllThere(daemon, wanted);
  const end = performance.now() + seconds * 1000;
  const over = () => performance.now() > end;
  const operators = Array.from({ length: clients }, (_, number) => operate(daemon, number, wanted, over));
  await Promise.all([...operators, strike(daemon, over)]);

  // A parent that is suspended collects no child of its own.
  for (const { pid } of descendantsOf(daemon.pid)) send(pid, 'SIGCONT');
  // What nobody has stopped comes back to its number by itself.
  await assertWanted(daemon, new Map([...wanted].map(([name, number]) => [name, down.has(name) ? 0 : number])), true);
  await assertAllGone(daemon);
  await assertAllThere(daemon, wanted);
  await assertAllGone(daemon);
  await eventually(() => assert.deepEqual(descriptorsOf(daemon.pid), descriptors), patient);
  await assertAllThere(daemon, wanted);
  assert.equal(await daemon.stop(), 0);
  const total = [...done].map(([what, times]) => `${times} ${what}`).sort();
  console.log(
    `ok: ${total.join(', ')}; ${[...wanted.values()].reduce((sum, one) => sum + one, 0)} processes at the end; ` +
      `the longest answer took ${(longest / 1000).toFixed(1)} s`,
  );
} catch (error) {
  console.error(error);
  console.error(daemon.log.split('\n').slice(-40).join('\n'));
  console.error(`FAIL: repeat it with npm run chaos -- storm ${seconds} ${seed}`);
  process.exitCode = 1;
  await daemon.kill();
}
