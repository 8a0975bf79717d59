/** What can be seen of the controller's places before one of them is made: so that `--check` tells what a start would refuse. */
import { resolve } from 'node:path';
import { groupId, userId } from './access.js';
import { checkAddress, pathOf } from './endpoint.js';
import { defaultKeys, located, readKeyPair, readPublicKeys } from './keys.js';
import type { ControllerOptions, Endpoint } from './options.js';

/** What a start would refuse about an option. */
export interface Refusal {
  readonly option: string;
  readonly message: string;
}

/** The option that names the user or group of a place's socket. */
export const accessOption = (option: string, what: 'owner' | 'group'): string =>
  option.endsWith('.address') ? option.replace(/address$/, what) : 'endpoint_owner';

/** Tells of addresses that can't be used, or twice, of users and groups that there are not, and of missing keys. */
export function* foresee(
  { insecure, curve_key }: ControllerOptions,
  endpoints: readonly Endpoint[],
): Generator<Refusal, void> {
  const taken = new Map<string, string>();
  const keys = defaultKeys();
  for (const { option, address, curve, owner, group, authorizedKeys } of endpoints) {
    yield* refusalOf(option, () => checkAddress(option, address, insecure || curve));
    const path = pathOf(address);
    const place = path === undefined ? address : resolve(path);
    const other = taken.get(place);
    if (other !== undefined) yield { option, message: `"${address}" is that of ${other} already` };
    // Any free port is another one each time.
    if (!/:[*0]$/.test(place)) taken.set(place, option.replace(/^endpoint\.(.+)\.address$/, '[endpoint:$1]'));
    if (path !== undefined) {
      yield* refusalOf(accessOption(option, 'owner'), () => userId(owner));
      yield* refusalOf(accessOption(option, 'group'), () => groupId(group));
    }
    if (!curve) continue;
    const folder = authorizedKeys ?? keys.authorized;
    yield* refusalOf(option.replace(/\.address$|^\w+$/, '.authorized_keys'), () =>
      located('authorized_keys', folder, () => readPublicKeys(folder)),
    );
  }
  const file = curve_key ?? keys.secret;
  if (endpoints.some(({ curve }) => curve))
    yield* refusalOf('curve_key', () => located('curve_key', file, () => readKeyPair(file)));
}

function* refusalOf(option: string, check: () => unknown): Generator<Refusal, void> {
  try {
    check();
  } catch (error) {
    yield { option, message: (error as Error).message.replace(/^option "[\w.-]+": /, '') };
  }
}
