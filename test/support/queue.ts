/** Clients of listening sockets, which may have to wait until somebody accepts them. */
import { once } from 'node:events';
import { connect, type NetConnectOpts } from 'node:net';

/** A client that is connected; what it is told comes when somebody has accepted it. */
export interface Waiting {
  /** All that it was told until the other side closed. @throws when the connection is reset */
  readonly answer: Promise<string>;
  leave(): void;
}

/** Connects a client. @throws when nobody listens */
export async function client(where: NetConnectOpts): Promise<Waiting> {
  const connection = connect(where);
  await once(connection, 'connect');
  const answer = (async () => {
    let text = '';
    for await (const chunk of connection.setEncoding('utf8')) text += chunk as string;
    return text.trim();
  })();
  // Whoever does not ask for the answer does not care.
  answer.catch(() => undefined);
  return { answer, leave: () => connection.destroy() };
}

/** Connects several clients, one after the other. */
export async function clients(count: number, where: NetConnectOpts): Promise<readonly Waiting[]> {
  const all: Waiting[] = [];
  while (all.length < count) all.push(await client(where));
  return all;
}
