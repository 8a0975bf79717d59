/** The schema of configurations in JSON and YAML as JSON Schema, for editors: docs/reference/circusd.schema.json. */
import type { OptionType } from './convert.js';
import { schema, type Option, type SectionKind } from './schema.js';

type Json = Readonly<Record<string, unknown>>;

const variables: Json = { type: 'string', pattern: '\\$|\\(\\(' };
const truth: Json = {
  anyOf: [{ type: 'boolean' }, { enum: ['yes', 'no', 'true', 'false', 'on', 'off', '1', '0', 1, 0] }, variables],
};
const text: Json = { type: ['string', 'number', 'boolean', 'null'] };
const texts: Json = { anyOf: [text, { type: 'array', items: text }] };
const time = '^\\s*((\\d+\\.?\\d*|\\.\\d+)\\s*(ms|s|sec|m|min|h|d|w)\\s*)+$';
const size = '^\\s*(\\d+\\.?\\d*|\\.\\d+)\\s*([kKmMgGtTpP][iI]?[bB]?|[bB])\\s*$';

/** No limit, or a soft and a hard one. */
const endless = '^\\s*([uU]nlimited|UNLIMITED|infinity|(RLIM_)?INFINITY)?\\s*$|^[^:]*:[^:]*$';

function number(least?: number, pattern?: string, isWhole = true): Json {
  const value = { type: isWhole ? 'integer' : 'number', ...(least === undefined ? {} : { minimum: least }) };
  const written = {
    type: 'string',
    pattern: isWhole ? '^\\s*[+-]?\\d+\\s*$' : '^\\s*[+-]?(\\d+\\.?\\d*|\\.\\d+)\\s*$',
  };
  return { anyOf: [value, written, ...(pattern === undefined ? [] : [{ type: 'string', pattern }]), variables] };
}

function oneOf(...names: readonly string[]): Json {
  return { anyOf: [{ enum: names }, { type: 'string' }] };
}

const types: Readonly<Record<OptionType, Json>> = {
  text: texts,
  path: texts,
  variable: text,
  unused: {},
  list: texts,
  entries: texts,
  sockets: texts,
  socket: text,
  hook: text,
  int: number(),
  count: number(0),
  retries: number(-1),
  port: number(0),
  seconds: number(0, time, false),
  period: number(undefined, time, false),
  age: number(0, time),
  size: number(0, size),
  bool: truth,
  processes: number(0, '^\\s*[cC][pP][uU][sS](\\s*-\\s*\\d+)?\\s*$'),
  signal: { type: ['string', 'integer'] },
  steps: texts,
  octal: { type: ['string', 'integer'] },
  limit: number(-1, `${endless}|${size}`),
  cpulimit: number(-1, `${endless}|${time}`),
  user: { type: ['string', 'integer'] },
  group: { type: ['string', 'integer'] },
  expansion: { enum: ['circus', 'shell'] },
  endpoints: { enum: ['circus', 'unix'] },
  isolation: { enum: ['process'] },
  family: oneOf('AF_INET', 'AF_INET6', 'AF_UNIX'),
  sockettype: oneOf('SOCK_STREAM', 'SOCK_DGRAM', 'SOCK_RAW', 'SOCK_RDM', 'SOCK_SEQPACKET'),
};

/** What the options of a section may be; keys with a dot may also be written as mappings in one another. */
function section(kind: SectionKind): Json {
  const rows = schema[kind];
  const exact = rows.filter(({ key }) => !key.includes('.') && !key.endsWith('*') && key !== 'env');
  const patterns = rows.filter(({ key }) => key.endsWith('*') && key !== '*');
  const nested = new Set(rows.filter(({ key }) => key.includes('.')).map(({ key }) => key.split('.')[0]!));
  const dotted = rows.filter(({ key }) => key.includes('.') && !key.endsWith('*'));
  return {
    type: 'object',
    properties: {
      ...Object.fromEntries([...exact, ...dotted].map((option) => [option.key, describe(option)])),
      ...Object.fromEntries([...nested].map((key) => [key, mapping(rows, key)])),
    },
    patternProperties: Object.fromEntries(
      patterns.map((option) => [`^${option.key.slice(0, -1).replace('.', '\\.')}.`, describe(option)]),
    ),
  };
}

function mapping(rows: readonly Option[], key: string): Json {
  const own = rows.filter((option) => option.key.startsWith(`${key}.`));
  const any = own.find((option) => option.key.endsWith('*'));
  const named = own.filter((option) => !option.key.endsWith('*'));
  return {
    type: 'object',
    ...(any ? { description: any.about, additionalProperties: types[any.type] } : {}),
    ...(named.length === 0
      ? {}
      : {
          properties: Object.fromEntries(named.map((option) => [option.key.slice(key.length + 1), describe(option)])),
        }),
  };
}

function describe({ type, default: value, owner, about }: Option): Json {
  const of = owner === null ? '' : ` Plugin: ${owner}.`;
  return { description: `${about}${of}`, ...types[type], ...(value === null ? {} : { default: value }) };
}

/** The JSON Schema of a whole configuration; it lets through what a third-party plugin may own. */
export function jsonSchema(): Json {
  const all = (kind: SectionKind): Json => ({ type: 'object', additionalProperties: { $ref: `#/$defs/${kind}` } });
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'circusd configuration',
    type: 'object',
    properties: {
      $schema: { type: 'string' },
      circus: { $ref: '#/$defs/circus' },
      env: { description: 'Variables of all watchers; a mapping is for watchers whose names match.', ...environment },
      defaults: { $ref: '#/$defs/watcher' },
      watchers: all('watcher'),
      groups: { description: 'What the watchers of a group have unless they say it themselves.', ...all('watcher') },
      sockets: all('socket'),
      plugins: all('plugin'),
    },
    patternProperties: { '^defaults:': { $ref: '#/$defs/watcher' } },
    $defs: Object.fromEntries((Object.keys(schema) as SectionKind[]).map((kind) => [kind, section(kind)])),
  };
}

const environment: Json = {
  type: 'object',
  additionalProperties: { anyOf: [text, { type: 'object', additionalProperties: text }] },
};
