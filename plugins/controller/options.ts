/** The options of the controller. */
import * as v from 'valibot';
import { boolean, number, standard } from '../schema.js';
import { watchersLike, type Asker } from './asker.js';
import type { Settings } from './command.js';
import { circusEndpoints, defaultEndpoints, pathOf } from './endpoint.js';
import { foresee } from './foresight.js';

const text = (about: string) => v.optional(v.pipe(v.string(), v.description(about)));
const truth = (about: string) => v.optional(v.pipe(boolean(), v.description(about)), false);
const mode = v.pipe(
  v.string(),
  v.trim(),
  v.regex(/^0?[0-7]{3}$/, (issue) => `"${issue.input}" is not a mode such as 0660`),
  v.transform((digits) => Number.parseInt(digits, 8)),
);

/** What an `[endpoint:NAME]` section may say. */
const endpointOptions = v.strictObject({
  address: v.string('it has no address'),
  role: v.picklist(['view', 'operate', 'admin'], (issue) => `${issue.received} is not a role: view, operate or admin`),
  watchers: v.optional(v.pipe(v.string(), v.trim(), v.minLength(1, 'it is empty'))),
  curve: v.optional(boolean()),
  authorized_keys: text('As the option of the daemon.'),
  owner: text('The user who owns the Unix socket.'),
  group: text('The group of the Unix socket.'),
  mode: v.optional(mode),
});

const fields = {
  endpoint: text('Where commands are taken; without it, a Unix socket in the runtime directory.'),
  pubsub_endpoint: text('Where events are published.'),
  stats_endpoint: text('Where statistics are published; only reported to clients here.'),
  multicast_endpoint: text('The group where clients look for daemons, which is answered when it is said.'),
  endpoints: v.optional(
    v.pipe(
      v.picklist(['circus', 'unix'], (issue) => `${issue.received} is neither circus nor unix`),
      v.description("What addresses are used that are not said: Circus's, or Unix sockets."),
    ),
  ),
  endpoint_owner: text("The user who may use a Unix socket, in place of the daemon's own."),
  check_delay: v.optional(
    v.pipe(
      number(),
      v.description('Seconds between two looks of Circus; only reported to clients, nothing here looks.'),
    ),
    5,
  ),
  insecure: truth('Take commands from other machines without any check of who they are.'),
  curve: truth('On TCP, take only clients that prove to have one of the authorized keys, and encrypt what is said.'),
  curve_key: text("The file with the daemon's secret key."),
  authorized_keys: text('The folder with the public keys of the clients, one file each.'),
};

const ofEndpoint = /^endpoint\.([\w-]+)\.(\w+)$/;

/** The options of the `[endpoint:NAME]` sections, which come as `endpoint.NAME.OPTION`, by name. */
function grouped(options: Readonly<Record<string, unknown>>): ReadonlyMap<string, Record<string, unknown>> {
  const groups = new Map<string, Record<string, unknown>>();
  for (const [key, value] of Object.entries(options)) {
    const [, name, option] = ofEndpoint.exec(key) ?? [];
    if (name === undefined || option === undefined) continue;
    const group = groups.get(name) ?? {};
    groups.set(name, { ...group, [option]: value });
  }
  return groups;
}

/** What is wrong with one endpoint, by option. */
function* faults(given: Readonly<Record<string, unknown>>): Generator<{ option: string; message: string }> {
  const result = v.safeParse(endpointOptions, given);
  for (const { path, message, expected } of result.issues ?? []) {
    const [step] = path ?? [];
    const option = typeof step?.key === 'string' ? step.key : 'address';
    const known = Object.keys(endpointOptions.entries).join(', ');
    if (expected === 'never') yield { option, message: `there is no such option; there are ${known}` };
    else yield { option, message: option in given ? message : `it has no ${option}` };
  }
  if (!result.success) return;
  const { address, role, watchers, owner, group, mode, curve, authorized_keys } = result.output;
  if (role === 'admin' && watchers !== undefined)
    yield { option: 'watchers', message: 'an endpoint with the role admin is for all watchers' };
  const isFile = pathOf(address) !== undefined;
  if (isFile && (curve || authorized_keys !== undefined))
    yield { option: curve ? 'curve' : 'authorized_keys', message: 'a Unix socket has an owner and a mode instead' };
  if (!isFile && (owner ?? group ?? mode) !== undefined)
    yield { option: 'address', message: 'owner, group and mode are those of a Unix socket' };
}

/** What a `[plugin:controller]` section may say; `[circus]` says it too, by the same names, and `[endpoint:NAME]`. */
export const options = v.pipe(
  v.objectWithRest(fields, v.unknown()),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const input = dataset.value as Record<string, unknown>;
    const tell = (key: string, message: string) =>
      addIssue({ message, path: [{ type: 'object', origin: 'value', input, key, value: input[key] }] });
    for (const key of Object.keys(input))
      if (!(key in fields) && !ofEndpoint.test(key)) tell(key, 'there is no such option');
    for (const [name, given] of grouped(input))
      for (const { option, message } of faults(given))
        tell(option in given ? `endpoint.${name}.${option}` : `endpoint.${name}.${Object.keys(given)[0]}`, message);
    if (dataset.issues !== undefined) return;
    const { value } = dataset;
    const settings = settingsOf(value);
    const all = [firstEndpoint(value, settings), ...furtherEndpoints(value), eventsEndpoint(value, settings)];
    const told = new Set<string>();
    for (const { option, message } of foresee(value, all)) {
      // What an endpoint does not say itself, the daemon says for all of them.
      const key = option in input ? option : option.replace(/^.*\./, '');
      if (!told.has(key + message)) tell(key, message);
      told.add(key + message);
    }
  }),
);

export type ControllerOptions = v.InferOutput<typeof options>;

/** The same as Standard Schema and Standard JSON Schema. */
export const optionsSchema = standard(options);

/** One place where commands are taken, and who may use it for what. */
export interface Endpoint {
  /** How errors name it. */
  readonly option: string;
  readonly address: string;
  readonly asker: Asker;
  readonly curve: boolean;
  readonly authorizedKeys: string | undefined;
  readonly owner: string | undefined;
  readonly group: string | undefined;
  readonly mode: number | undefined;
}

/** The endpoints of `[endpoint:NAME]` sections, which have been checked. */
export function furtherEndpoints(options: ControllerOptions): readonly Endpoint[] {
  return [...grouped(options)].map(([name, given]) => {
    const { role, watchers, authorized_keys, curve, ...rest } = v.parse(endpointOptions, given);
    const asksForKeys = curve ?? (options.curve || authorized_keys !== undefined);
    return {
      owner: undefined,
      group: undefined,
      mode: undefined,
      ...rest,
      curve: asksForKeys && pathOf(rest.address) === undefined,
      option: `endpoint.${name}.address`,
      asker: { name: `endpoint ${name}`, role, sees: watchers === undefined ? undefined : watchersLike(watchers) },
      authorizedKeys: authorized_keys ?? options.authorized_keys,
    };
  });
}

/** The daemon's own endpoint, for all that can be asked. */
export function firstEndpoint(options: ControllerOptions, { endpoint }: Pick<Settings, 'endpoint'>): Endpoint {
  return {
    option: 'endpoint',
    address: endpoint,
    asker: { name: 'operator', role: 'admin' },
    curve: options.curve && pathOf(endpoint) === undefined,
    authorizedKeys: options.authorized_keys,
    owner: options.endpoint_owner,
    group: undefined,
    mode: undefined,
  };
}

/** Where events are published. */
function eventsEndpoint(options: ControllerOptions, { pubsub_endpoint }: Settings): Endpoint {
  const first = firstEndpoint(options, { endpoint: pubsub_endpoint });
  return { ...first, option: 'pubsub_endpoint' };
}

/** The values that are reported, with a default for what is not given. */
export function settingsOf(options: Pick<ControllerOptions, keyof Settings | 'endpoints'>): {
  -readonly [K in keyof Settings]: Settings[K];
} {
  const { endpoint, pubsub_endpoint, stats_endpoint, multicast_endpoint, check_delay, endpoints } = options;
  const given = { endpoint, pubsub_endpoint, stats_endpoint, multicast_endpoint, check_delay };
  // Whoever names an endpoint speaks Circus's language: what is left out is Circus's too.
  const isCircus = (endpoints ?? (endpoint === undefined ? 'unix' : 'circus')) === 'circus';
  const defaults = isCircus ? circusEndpoints : { ...circusEndpoints, ...defaultEndpoints() };
  return {
    ...defaults,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  } as Settings;
}

/** The group where this daemon is to be discovered; undefined: nobody asked for that, and no port is opened. */
export function discoveryGroup({ multicast_endpoint: said, endpoints }: ControllerOptions): string | undefined {
  return (said ?? (endpoints === 'circus' ? circusEndpoints.multicast_endpoint : undefined)) || undefined;
}

/** What to say where nothing says an endpoint: where it is for Circus's own clients, and how to have their ports; else nothing. */
export function endpointHint({ endpoint, endpoints }: ControllerOptions, address: string): string {
  if (endpoint !== undefined || endpoints !== undefined || pathOf(address) === undefined) return '';
  return `; Circus's own clients reach it with --endpoint ${address}, or on its ports: endpoints = circus in [circus], or --circus-endpoints`;
}
