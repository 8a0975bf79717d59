/** What the commands of the plugin `intent` take and answer; a daemon without it refuses them, with errno 2. */
import type { KeyChange } from '#plugins/controller/service.js';

interface Waiting {
  /** Answer when it is done, not when it has begun. */
  readonly waiting?: boolean | undefined;
}
interface Named extends Waiting {
  /** A watcher, or a pattern. */
  readonly name: string;
  /** How the name is meant; `glob` without it. */
  readonly match?: 'glob' | 'simple' | 'regex' | undefined;
}

/** Times are seconds since the epoch. */
interface PastSpec {
  /** Since when it is known to be good. */
  readonly good: number;
  readonly replaced: { readonly at: number; readonly by: string | null } | null;
  /** What the rollback changes, or would. */
  readonly keys: readonly KeyChange[];
}
type Step = PastSpec & { readonly watcher: string };

/** What was rolled back, what would be, or the specs that there are to go back to. */
export interface RolledBack {
  readonly rolled_back?: readonly Step[];
  readonly would_roll_back?: readonly Step[];
  readonly good_specs?: readonly {
    readonly watcher: string;
    readonly present: 'good' | 'new' | 'unfit';
    readonly specs: readonly (PastSpec & { readonly number: number })[];
  }[];
}

/** The commands, by name. */
export interface IntentCommands {
  /** The names, with `waiting`. */
  disable: {
    properties: Named & { readonly reason?: string | undefined };
    reply: { readonly disabled?: readonly string[] };
  };
  /** `later` starts nothing; the names, with `waiting`. */
  enable: {
    properties: Named & { readonly later?: boolean | undefined };
    reply: { readonly enabled?: readonly string[]; readonly started?: readonly string[] };
  };
  /** Without `waiting`, what was rolled back is not told. */
  rollback: {
    properties: Waiting & {
      /** A watcher; without it, all whose spec is not known to be good. */
      readonly name?: string | undefined;
      /** The number of a spec in `good_specs`; 1 without it. */
      readonly to?: number | undefined;
      /** Only tell which good specs there are. */
      readonly list?: boolean | undefined;
      /** Only tell what would change. */
      readonly dry_run?: boolean | undefined;
    };
    reply: RolledBack;
  };
}
