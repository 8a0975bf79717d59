// Sees to the programs that the tests need (debian-packages.txt): says what is missing, and installs it when that is
// wanted: CI or CIRCUSD_APT=1 is set, or the user on the terminal agrees.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';

const policy = '/usr/sbin/policy-rc.d';
const lists = '/var/lib/apt/lists';

const needed = readFileSync(new URL('debian-packages.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.trim() !== '' && !line.startsWith('#'))
  .map((line) => ({ name: line.split(/\s+/, 1)[0], check: line.replace(/^\S+\s+/, '') }));

const succeeds = (command) => spawnSync('/bin/sh', ['-c', command], { stdio: 'ignore' }).status === 0;
const missingPackages = () => needed.filter(({ check }) => !succeeds(check)).map(({ name }) => name);

const apt = (...args) =>
  spawnSync('apt-get', args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  }).status === 0;

/** Installs with the services kept from starting: what 101 means is in Debian's policy-rc.d interface. */
function install(packages) {
  const hold = !existsSync(policy);
  const release = () => hold && rmSync(policy, { force: true });
  const interrupted = () => process.exit(130);
  process.once('exit', release).once('SIGINT', interrupted).once('SIGTERM', interrupted);
  if (hold) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    const fetched = existsSync(lists) && readdirSync(lists).some((name) => name.includes('_Packages'));
    if (!fetched) apt('update', '-q');
    const once = () => apt('install', '-y', '-q', '--no-install-recommends', ...packages);
    // A list that is older than the mirror names files that are gone: one more try with a fresh one.
    return once() || (apt('update', '-q') && once());
  } finally {
    release();
    process.off('exit', release).off('SIGINT', interrupted).off('SIGTERM', interrupted);
  }
}

async function agreed(packages) {
  if (process.env.CI || process.env.CIRCUSD_APT === '1') return true;
  if (!process.stdin.isTTY || !process.stdout.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const question = terminal.question(`The tests need ${packages.join(', ')}. Install with apt-get? [y/N] `);
    // A terminal that goes away has not agreed.
    const [answer = ''] = await Promise.race([question.then((line) => [line]), once(terminal, 'close')]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

/** Resolves with undefined when all is there; else with one sentence, and whether that is a failure. */
export async function seeToPackages() {
  const missing = missingPackages();
  if (missing.length === 0) return undefined;
  const names = missing.join(' ');
  if (!succeeds('command -v apt-get')) {
    return {
      fatal: false,
      sentence: `Not a Debian system: tests that need one of these programs (Debian's names) will fail: ${names}.`,
    };
  }
  const command = `apt-get install --no-install-recommends ${names}`;
  if (process.getuid() !== 0) return { fatal: true, sentence: `The tests need packages: run "sudo ${command}" first.` };
  if (!(await agreed(missing))) {
    return { fatal: true, sentence: `The tests need packages: run "${command}", or set CIRCUSD_APT=1.` };
  }
  console.log(`Installing ${names}`);
  if (install(missing) && missingPackages().length === 0) return undefined;
  return { fatal: true, sentence: `Could not install what the tests need: run "${command}" and see what it says.` };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const outcome = await seeToPackages();
  console.log(outcome?.sentence ?? 'All that the tests need is installed.');
  if (outcome?.fatal) process.exitCode = 1;
}
