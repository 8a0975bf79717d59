/** What a process itself says: through its output, a descriptor of its own, or Node's channel to a parent. */
import type { FileSpec, Process, ProcessSpec } from '#core';
import { reportingOf, withLagReports, withReports } from './lag-reports.js';
import { lagModule } from './program-flaws.js';
import type { HealthRecord } from './records.js';
import { retirementIn } from './retirement.js';
import type { Settings } from './settings.js';

/** So much of what came before is kept, in bytes. */
const tailSize = 4096;
const firstFree = 3;
const channelVariable = 'NODE_CHANNEL_FD';
/** What `process.send('ready')` writes. */
const sentReady = /^"ready"$/m;

/** A process with the descriptors and variables through which it can say that it is ready, and its outputs to pass on. */
export function withChannels(
  process: ProcessSpec,
  { ready, alive, notify, ipc }: Settings,
  address: () => string,
): { readonly process: ProcessSpec; readonly forwards: readonly number[] } {
  const isAsked = ready.log || ready.fd !== undefined || ipc || notify !== undefined || alive.loop_lag !== undefined;
  // What is left alone is shared by all processes that are started alike.
  if (!isAsked) return { process, forwards: [] };
  const files: Record<number, FileSpec> = { ...process.files };
  const env: Record<string, string> = { ...process.env };
  const forwards = ready.log ? [1, 2].filter((fd) => files[fd] === 'inherit') : [];
  for (const fd of forwards) files[fd] = 'pipe';
  if (ready.fd !== undefined) files[ready.fd] = 'pipe';
  if (ipc) {
    let fd = firstFree;
    while (files[fd] !== undefined) fd++;
    files[fd] = 'pipe';
    env[channelVariable] = String(fd);
    env['NODE_CHANNEL_SERIALIZATION_MODE'] = 'json';
  }
  if (notify !== undefined) env['NOTIFY_SOCKET'] = address();
  if (alive.notify !== undefined) env['WATCHDOG_USEC'] = String(alive.notify * 1000);
  const whole = { ...process, files, env };
  if (alive.loop_lag === undefined) return { process: whole, forwards };
  return { process: { ...whole, ...withLagReports(whole, alive.loop_lag, alive.interval, lagModule()) }, forwards };
}

/** What a process may say at any time. */
export interface Told {
  /** The moment, in ms of the monotonic clock. */
  readonly now: () => number;
  /** It wants to be replaced. */
  readonly retire: (process: Process, reason: string) => void;
}

/** Takes what comes in whole lines: reports of event loops, and messages over Node's channel. */
function hearLines(chunk: Buffer, fd: number, process: Process, record: HealthRecord, told: Told): void {
  const isChannel = String(fd) === process.spec.env[channelVariable];
  if (!isChannel && fd !== reportingOf(process.spec)?.fd) return;
  const lines = ((record.rests.get(fd) ?? '') + chunk.toString()).split('\n');
  const rest = lines.pop()!;
  // Of a message that long nothing is for us.
  record.rests.set(fd, rest.length > tailSize ? '' : rest);
  if (!isChannel) record.lag = withReports(record.lag, lines, told.now());
  else for (const line of lines) askedIn(line, process, told);
}

function askedIn(line: string, process: Process, { retire }: Told): void {
  const reason = retirementIn(line);
  if (reason !== undefined) retire(process, reason);
}

/** Looks for what is awaited in a piece of output, and passes it on where it would have gone without us. */
export function hear(chunk: Buffer, fd: number, process: Process, record: HealthRecord, told: Told): void {
  if (record.forwards.includes(fd)) passOn(chunk, fd, process);
  if (fd > 2) hearLines(chunk, fd, process, record, told);
  const { log, fd: own, ipc } = record.settings.ready;
  const says = (channel: 'log' | 'fd' | 'ipc', what: RegExp) => {
    if (record.hasHeard(channel)) return;
    const text = Buffer.concat([record.tails.get(fd) ?? Buffer.alloc(0), chunk]);
    record.tails.set(fd, text.subarray(-tailSize));
    if (what.test(text.toString())) record.hear(channel);
  };
  if (log && (fd === 1 || fd === 2)) says('log', log);
  if (fd === own) says('fd', /\n/);
  if (ipc && String(fd) === process.spec.env[channelVariable]) says('ipc', sentReady);
}

const outputs: Readonly<Record<number, NodeJS.WriteStream>> = { 1: process.stdout, 2: process.stderr };

/** Keeps an output that nobody reads any more from being an error, until the returned function is called. */
export function forgiveOutputs(): () => void {
  const forgive = () => undefined;
  for (const output of Object.values(outputs)) output.on('error', forgive);
  return () => {
    for (const output of Object.values(outputs)) output.off('error', forgive);
  };
}

/** The process waits while nobody reads what it writes. */
function passOn(chunk: Buffer, fd: number, process: Process): void {
  const output = outputs[fd];
  if (!output || output.destroyed || output.write(chunk)) return;
  process.pause(fd);
  output.once('drain', () => process.resume(fd));
}
