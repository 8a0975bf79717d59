/**
 * Loaded into a Node program before its first line (`circusd/lag`): it tells circusd on a descriptor how long its event loop
 * was blocked, as a number of milliseconds for each period. Everything else is as without it.
 */
import { fstatSync, writeSync } from 'node:fs';
import { basename } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';
import { lagVariable, type LagReporting } from './lag-reports.js';

/** Programs in Node that start the one that is meant, and wait for it. */
const launchers = /^(npm|npx|yarn|pnpm|pnpx|corepack)(-cli)?(\.c?js)?$/;
const perMillisecond = 1e6;

/** What this process starts from now on is as without us. */
function forget(option: string): void {
  delete process.env[lagVariable];
  const rest = process.env['NODE_OPTIONS']?.replaceAll(option, '').trim();
  if (rest) process.env['NODE_OPTIONS'] = rest;
  else delete process.env['NODE_OPTIONS'];
}

/** True for a descriptor that can be the one that we were given: somebody may have closed it, and its number be another's. */
function isOurs(fd: number): boolean {
  try {
    const stats = fstatSync(fd);
    return stats.isFIFO() || stats.isSocket();
  } catch {
    return false;
  }
}

function report({ fd, every, resolution }: LagReporting): void {
  const delays = monitorEventLoopDelay({ resolution });
  delays.enable();
  const tell = () => {
    const longest = Math.round(delays.max / perMillisecond - resolution);
    delays.reset();
    try {
      writeSync(fd, `${Math.max(0, longest)}\n`);
    } catch (error) {
      // Full: nobody reads just now. Otherwise nobody ever will, as circusd is gone.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') clearInterval(timer);
    }
  };
  const timer = setInterval(tell, every);
  timer.unref();
  tell();
}

const said = process.env[lagVariable];
if (isMainThread && said !== undefined && !launchers.test(basename(process.argv[1] ?? ''))) {
  const reporting = JSON.parse(said) as LagReporting;
  forget(reporting.option);
  if (isOurs(reporting.fd)) report(reporting);
}
