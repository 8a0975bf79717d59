/** The moments at which hooks are called, with Circus's names (circus-compat §2.20). */

/** What one moment is about. */
export interface Point {
  /** True where a hook that fails, rather than answers no, changes nothing. */
  readonly lenient: boolean;
  /** True where its answer means nothing at all. */
  readonly told?: true;
}

const deciding: Point = { lenient: false };
const told: Point = { lenient: true, told: true };

/** All moments, by name. */
export const points = {
  before_start: deciding,
  after_start: deciding,
  before_spawn: deciding,
  after_spawn: deciding,
  before_stop: told,
  after_stop: told,
  before_signal: { lenient: true },
  after_signal: told,
  before_reap: told,
  after_reap: told,
  extended_stats: told,
} as const satisfies Readonly<Record<string, Point>>;

export type PointName = keyof typeof points;

/** The names of all moments. */
export const pointNames = Object.keys(points) as readonly PointName[];

export const isPoint = (name: string): name is PointName => Object.hasOwn(points, name);
