/** The users and groups of this machine. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A user of the machine. */
export interface User {
  readonly name: string;
  readonly uid: number;
  /** His primary group. */
  readonly gid: number;
}

/** Where they are listed. */
export type Database = 'passwd' | 'group';

/** How long a directory service may take to tell about a name, in ms. */
const patience = 3000;

const fieldsOf = (text: string): readonly (readonly string[])[] => text.split('\n').map((line) => line.split(':'));

function entriesOf(database: Database): readonly (readonly string[])[] {
  try {
    return fieldsOf(readFileSync(`/etc/${database}`, 'utf8'));
  } catch {
    return [];
  }
}

/**
 * The entry of a name or number. Most users are in the file; a directory service such as LDAP is asked, through getent,
 * only about what is not there.
 */
function entryOf(database: Database, id: string): readonly string[] | undefined {
  const at = /^\d+$/.test(id) ? 2 : 0;
  const own = entriesOf(database).find((fields) => fields[at] === id);
  if (own || id === '' || id.startsWith('-')) return own;
  const { stdout, status } = spawnSync('getent', [database, id], { encoding: 'utf8', timeout: patience });
  return status === 0 ? fieldsOf(stdout)[0] : undefined;
}

/** A user by name or number; undefined for one that the machine does not know. */
export function userOf(id: string): User | undefined {
  const [name, , uid, gid] = entryOf('passwd', id) ?? [];
  return name === undefined ? undefined : { name, uid: Number(uid), gid: Number(gid) };
}

/** The id of a group by name or number; a number needs no name to be a group. */
export function groupOf(id: string): number | undefined {
  const gid = /^\d+$/.test(id) ? id : entryOf('group', id)?.[2];
  return gid === undefined ? undefined : Number(gid);
}

/** The names that there are, for whoever mistyped one. */
export const namesIn = (database: Database): readonly string[] => entriesOf(database).flatMap(([name]) => name || []);
