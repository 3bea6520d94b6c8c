import type { Config } from '../../config/schema.ts';
import type { Unit } from '../../discovery/unit.ts';
import type { RunState } from '../../events/state.ts';
import type { UnitRecord } from '../../events/store.ts';
import type { Database } from '../../store/database/database.ts';
import type { UnitPull } from '../../store/github/unit-pulls.ts';
import type { FoundUpdate } from '../../store/runs/updates.ts';
import type { OpenRepository } from '../repository/open-repository.ts';
import type { WithheldPermission } from '../repository/permissions.ts';
import type { RejectedWrites } from './rejected-writes.ts';
import type { Stack, StackPosition } from './stack.ts';

/** What publishing a run's units needs to know of the run. */
export interface ReportContext {
  readonly repository: OpenRepository;
  /** What choo may not write here; nothing is asked for in vain. */
  readonly withheld: Pick<ReadonlyMap<WithheldPermission, string>, 'has' | 'keys'>;
  readonly state: RunState;
  /** The run ended and was published: its checks on the specs' commit stay, where a newer run may have written since. */
  readonly isSettled: boolean;
  readonly config: Config;
  /** Reads a unit's approved specs; undefined when they can no longer be read. */
  readonly specsOf: (unit: string) => Promise<Unit | undefined>;
  /** The newest pull request of each unit; new ones are added here. */
  readonly pulls: Map<string, UnitPull>;
  /** The numbers of the pull requests that this run opened; new ones are added here. `mayOpen` is their maximum. */
  readonly opened: Set<number>;
  readonly mayOpen: number;
  /** The units of the run that depend on each one. */
  readonly dependents: ReadonlyMap<string, readonly string[]>;
  /** The record of each unit, from all runs. */
  readonly records: ReadonlyMap<string, UnitRecord>;
  /** The newest update of each unit branch. */
  readonly updates: ReadonlyMap<string, FoundUpdate>;
  /** Reads the stack, once, when a unit has a pull request to publish. Undefined: its target has no branch. */
  readonly stack: () => Promise<Stack | undefined>;
  /** Takes the next step of a unit whose pull request is not true yet. False: it is taken later. */
  readonly takeStep: (unit: string, position: StackPosition) => Promise<boolean>;
  /** The address of the run's status comment or check. */
  readonly page: string;
  readonly database: Database;
  readonly redact: (text: string) => string;
  readonly refusals: RejectedWrites;
}

/** Reads what is asked for by a name once. */
export function onceEach<T>(read: (name: string) => Promise<T>): (name: string) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return async (name) => {
    const found = known.get(name) ?? read(name);
    known.set(name, found);
    return found;
  };
}
