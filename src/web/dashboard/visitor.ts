import type { DashboardSource } from './source.ts';

/** What somebody may see and do of a run. `read`: its units, and the output of gates. `push`: everything. */
export type Access = 'none' | 'read' | 'push';

/** An answer about access, and until when it may be relied on. Milliseconds since 1970. */
export interface Grant {
  readonly access: Access;
  readonly until: number;
}

/** Who asks for a page. */
export interface Visitor {
  /** Their name on GitHub; undefined: whoever has the address. */
  readonly login: string | undefined;
  /** Tells visitors apart, for limits. */
  readonly id: string;
  /** May see and do everything. */
  readonly isOperator: boolean;
  /** What each of their forms must carry; undefined: the address is a secret itself. */
  readonly formToken: string | undefined;
  /** What they may see of a run. `isAskedNow`: not what was known a moment ago. */
  readonly grantFor: (run: string, isAskedNow?: boolean) => Promise<Grant>;
  /** The newest runs that they may see, at most so many. */
  readonly runs: (most: number) => Promise<readonly string[]>;
}

/** Whoever has an address with a secret in it. */
export function holderOf({ store }: Pick<DashboardSource, 'store'>): Visitor {
  return {
    login: undefined,
    id: '',
    isOperator: true,
    formToken: undefined,
    grantFor: async () => ({ access: 'push', until: Number.POSITIVE_INFINITY }),
    runs: async (most) => store.runs(most),
  };
}
