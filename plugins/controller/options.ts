/** The options of the controller. */
import * as v from 'valibot';
import { boolean, number, standard } from '../schema.js';
import type { Settings } from './command.js';
import { circusEndpoints, defaultEndpoints, pathOf } from './endpoint.js';

const address = (about: string) => v.optional(v.pipe(v.string(), v.description(about)));

/** What a `[plugin:controller]` section may say; `[circus]` says it too, by the same names. */
export const options = v.strictObject({
  endpoint: address('Where commands are taken; without it, a Unix socket in the runtime directory.'),
  pubsub_endpoint: address('Where events are published.'),
  stats_endpoint: address('Where statistics are published; only reported to clients here.'),
  multicast_endpoint: address('The group where clients look for daemons, which is answered when it is said.'),
  endpoints: v.optional(
    v.pipe(
      v.picklist(['circus', 'unix'], (issue) => `${issue.received} is neither circus nor unix`),
      v.description("What addresses are used that are not said: Circus's, or Unix sockets."),
    ),
  ),
  endpoint_owner: address("The user who may use a Unix socket, in place of the daemon's own."),
  check_delay: v.optional(
    v.pipe(
      number(),
      v.description('Seconds between two looks of Circus; only reported to clients, nothing here looks.'),
    ),
    5,
  ),
  insecure: v.optional(
    v.pipe(boolean(), v.description('Take commands from other machines without any check of who they are.')),
    false,
  ),
});

export type ControllerOptions = v.InferOutput<typeof options>;

/** The same as Standard Schema and Standard JSON Schema. */
export const optionsSchema = standard(options);

/** The values that are reported, with a default for what is not given. */
export function settingsOf(options: ControllerOptions): { -readonly [K in keyof Settings]: Settings[K] } {
  const { insecure: _insecure, endpoint_owner: _owner, endpoints, ...given } = options;
  // Whoever names an endpoint speaks Circus's language: what is left out is Circus's too.
  const { endpoint } = given;
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
