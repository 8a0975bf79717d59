/** A daemon and a client of its controller for each test. */
import assert from 'node:assert/strict';
import type { End } from '#plugins/controller/history.js';
import type { Circusd, CircusdOptions } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { closeClients, connect, type Client, type Reply } from '../client.js';
import { daemonPerTest } from '../daemon.js';

/** What the tests of one `describe` have; all of it is that of the test that runs. */
export interface Session {
  readonly daemon: Circusd;
  readonly client: Client;
  /** Resolves with the reply, whatever it says. */
  readonly ask: (command: string, properties?: unknown) => Promise<Reply>;
  /** Resolves with the reply without what is in every one. */
  readonly bare: (command: string, properties?: unknown) => Promise<Reply>;
  /** Resolves with the errno, the reason and, where there is one, the hint. */
  readonly refusal: (command: string, properties?: unknown) => Promise<readonly unknown[]>;
  /** Resolves when it is done. @throws when it was refused or has failed */
  readonly done: (command: string, properties: object) => Promise<void>;
  readonly pids: (name: string) => Promise<number[]>;
  readonly ends: (name: string) => Promise<readonly End[]>;
}

/** To be called in a `describe`: starts a daemon before each test, and connects to it when `isUp` is true or stops throwing. */
export function sessionPerTest(
  ini: string,
  isUp: (session: Session) => unknown = () => true,
  options: CircusdOptions = {},
): Session {
  const start = daemonPerTest();
  closeClients();
  let daemon: Circusd;
  let client: Client;
  const ask: Session['ask'] = (command, properties) => client.ask(command, properties);
  const session: Session = {
    get daemon() {
      return daemon;
    },
    get client() {
      return client;
    },
    ask,
    async bare(command, properties) {
      const { time, id: _, job: __, ...rest } = await ask(command, properties);
      assert.ok(Math.abs((time as number) - Date.now() / 1000) < 60);
      return rest;
    },
    async refusal(command, properties) {
      const { errno, reason, hint } = await ask(command, properties);
      return hint === undefined ? [errno, reason] : [errno, reason, hint];
    },
    async done(command, properties) {
      const reply = await ask(command, { ...properties, waiting: true });
      assert.equal(reply['status'], 'ok', String(reply['reason']));
    },
    pids: (name) => client.pids(name),
    ends: (name) => client.ends(name),
  };
  beforeEach('start a daemon, and connect', async () => {
    daemon = await start(ini, options);
    client = connect(daemon);
    await eventually(() => isUp(session));
  });
  return session;
}
