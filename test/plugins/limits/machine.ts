/** A machine that does not depend on this one: two users, four processors, every program in /bin. */
import type { Machine } from '../../../plugins/limits/machine.js';

const users = [
  { name: 'root', uid: 0, gid: 0 },
  { name: 'www', uid: 33, gid: 34 },
];
const groups: Readonly<Record<string, number>> = { root: 0, www: 34, adm: 4 };

/** That machine, changed as given. */
export const machineWith = (given: Partial<Machine> = {}): Machine => ({
  uid: 0,
  gid: 0,
  nice: 0,
  leastNice: -20,
  cpus: [0, 1, 2, 3],
  ownCpus: [0, 1, 2, 3],
  mostFiles: '4096',
  user: (id) => users.find(({ name, uid }) => name === id || String(uid) === id),
  group: (id) => (/^\d+$/.test(id) ? Number(id) : groups[id]),
  names: (database) => (database === 'passwd' ? users.map(({ name }) => name) : Object.keys(groups)),
  program: (name) => `/bin/${name}`,
  ...given,
});
