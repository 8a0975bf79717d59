/** Opens all places where the controller can be reached, each with who may do what there. */
import type { Log } from '#core';
import type { Router, Publisher } from 'zeromq';
import type { Asker } from './asker.js';
import { Authenticator } from './authenticator.js';
import type { Settings } from './command.js';
import { isLoopbackAddress, pathOf } from './endpoint.js';
import { connectionsFor, descriptorLimit, descriptorsFor } from './gate.js';
import { defaultKeys, located } from './keys.js';
import {
  listenForRequests,
  listenForSubscribers,
  type Listener,
  type Place,
  type RequestListener,
} from './listener.js';
import { firstEndpoint, furtherEndpoints, type ControllerOptions, type Endpoint } from './options.js';

/** A place where requests come in, and as whose. */
export interface Door {
  readonly asker: Asker;
  readonly listener: RequestListener;
}

type Defer = (close: () => void | Promise<unknown>) => void;

/** The permission bits by which a Unix socket is its owner's alone. */
const forOthers = 0o077;

/** Binds the sockets, and puts the addresses that they got into `settings`. What is open is closed by `defer`. @throws Error */
export async function openDoors(
  options: ControllerOptions,
  settings: { -readonly [K in keyof Settings]: Settings[K] },
  log: Log,
  defer: Defer,
): Promise<{ readonly doors: readonly Door[]; readonly events: Listener }> {
  const first = firstEndpoint(options, settings);
  const endpoints = [first, ...furtherEndpoints(options)];
  const shared = {
    insecure: options.insecure,
    most: connectionsFor(endpoints.length + 1),
    tell: (message: string) => log.warn(message),
  };
  const eventsCurve = options.curve && pathOf(settings.pubsub_endpoint) === undefined;
  const keys = defaultKeys();
  let authenticator: Authenticator | undefined;
  if (eventsCurve || endpoints.some(({ curve }) => curve)) {
    const file = options.curve_key ?? keys.secret;
    const who = located('curve_key', file, () => new Authenticator(file, (message) => log.error(message)));
    await who.open();
    defer(() => who.close());
    authenticator = who;
  }
  /** What makes a socket ask for keys; each has a domain of its own. */
  const protection =
    (domain: string, directory = keys.authorized) =>
    (socket: Router | Publisher) => {
      const names = located('authorized_keys', directory, () => authenticator!.protect(socket, domain, directory));
      if (names.length === 0) log.warn(`nobody is let in at ${domain}: there is no key in "${directory}"`);
    };
  const placeOf = ({ option, address, owner, group, mode, curve, authorizedKeys }: Endpoint): Place => ({
    option,
    address,
    ...{ ...shared, owner, group, mode },
    protect: curve ? protection(option, authorizedKeys) : undefined,
  });

  if (endpoints.some(isForOthers)) warnOfLimit(endpoints.length + 1, log);
  const doors: Door[] = [];
  // The first one first, as a second daemon with the same configuration is to be told of this one.
  for (const endpoint of endpoints) {
    const listener = await listenForRequests(placeOf(endpoint));
    defer(() => listener.close());
    warnOfLoopback(endpoint, log);
    doors.push({ listener, asker: proving(endpoint, authenticator) });
  }
  const events = await listenForSubscribers({
    option: 'pubsub_endpoint',
    address: settings.pubsub_endpoint,
    ...{ ...shared, owner: options.endpoint_owner },
    protect: eventsCurve ? protection('pubsub_endpoint', options.authorized_keys) : undefined,
  });
  defer(() => events.close());
  settings.endpoint = doors[0]!.listener.address;
  settings.pubsub_endpoint = events.address;
  return { doors, events };
}

function warnOfLoopback({ address, curve, asker }: Endpoint, log: Log): void {
  if (curve || !isLoopbackAddress(address)) return;
  log.warn(
    `every user of this machine can use ${address} with the role ${asker.role}; a Unix socket, or "curve = 1", is for some only`,
  );
}

const isForOthers = ({ address, owner, mode }: Endpoint) =>
  pathOf(address) === undefined || owner !== undefined || ((mode ?? 0) & forOthers) !== 0;

function warnOfLimit(sockets: number, log: Log): void {
  const enough = descriptorsFor(sockets);
  if (descriptorLimit() >= enough) return;
  log.warn(
    `others may connect, and this process may have ${descriptorLimit()} open files only: ` +
      `who connects fast enough could end it by using them up; allow it ${enough} (LimitNOFILE, ulimit -n)`,
  );
}

/** An asker who is known by more than the endpoint, where only one can be it. */
function proving({ asker, option, address, owner, mode, curve }: Endpoint, keys: Authenticator | undefined): Asker {
  if (curve)
    return {
      ...asker,
      get proven() {
        const key = keys?.onlyKey(option);
        return key && `key ${key}`;
      },
    };
  const isOwners = pathOf(address) !== undefined && ((mode ?? 0) & forOthers) === 0;
  return isOwners ? { ...asker, proven: `uid of ${owner ?? 'the daemon'} or root` } : asker;
}
