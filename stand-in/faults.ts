/** Selects the requests of a fault. */
export interface FaultMatch {
  readonly method?: string;
  /** Matches the path below `/api/v3`, or git's path. */
  readonly path?: RegExp;
  readonly times: number;
}

/** Another answer than the real one, no answer (`lost`: after the request took effect), or a late one. */
export type Fault =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: unknown;
    }
  | 'cut'
  | 'lost'
  | { readonly delayMs: number };

/** The planned faults, each with a number of times. */
export interface Faults {
  readonly add: (match: FaultMatch, fault: Fault) => void;
  readonly take: (method: string, path: string) => Fault | undefined;
}

export function createFaults(): Faults {
  const pending: { match: FaultMatch; fault: Fault; left: number }[] = [];
  return {
    add: (match, fault) => void pending.push({ match, fault, left: match.times }),
    take: (method, path) => {
      const found = pending.find(
        ({ match, left }) =>
          left > 0 && (match.method ?? method) === method && (match.path?.test(path) ?? true),
      );
      if (found === undefined) return undefined;
      found.left -= 1;
      return found.fault;
    },
  };
}
