/** Which requests a fault is for. */
export interface FaultMatch {
  readonly method?: string;
  /** Of the path below `/api/v3`, or of git's own. */
  readonly path?: RegExp;
  readonly times: number;
}

/** An answer instead of the real one, none at all (also where all was done: `lost`), or the real one late. */
export type Fault =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: unknown;
    }
  | 'cut'
  | 'lost'
  | { readonly delayMs: number };

/** What is to go wrong, each as often as it was said. */
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
