import type { Plan, PlanUnit } from './schema.ts';

/** What is known of a unit's earlier work for a target. */
export interface EarlierWork {
  /** The key that the work was done for. */
  readonly key: string;
  /** It is verified, or in the target. */
  readonly stands: boolean;
  readonly outcome?: 'merged' | 'rejected' | 'reverted' | undefined;
  /** The number of its pull request; null: it has none. */
  readonly pull: number | null;
}

/** What a run of the plan would do with a unit. */
export type Fate =
  /** `changed`: it was done before, for other specs. */
  | { readonly kind: 'run'; readonly changed: boolean }
  /** It runs after these units. */
  | { readonly kind: 'waits'; readonly changed: boolean; readonly behind: readonly string[] }
  | { readonly kind: 'done' | 'merged'; readonly pull: number | null }
  /** `by`: a unit that it depends on; null: itself. */
  | { readonly kind: 'blocked'; readonly by: string | null; readonly rejected: number | null }
  /** Complete in the specs, or not requested. */
  | { readonly kind: 'left-out'; readonly state: 'complete' | 'left-out' };

/** What a run of the plan would do with each unit, given what was done before. Pure, linear. */
export function foretell(
  { units, waves }: Pick<Plan, 'units' | 'waves'>,
  done: ReadonlyMap<string, EarlierWork>,
): ReadonlyMap<string, Fate> {
  const byId = new Map(units.map((unit) => [unit.id, unit]));
  const fates = new Map<string, Fate>();
  for (const unit of units) if (unit.wave === null) fates.set(unit.id, fateOutside(unit, byId));
  for (const id of waves.flat()) {
    const unit = byId.get(id);
    if (unit !== undefined) fates.set(id, fateOf(unit, done.get(id), fates));
  }
  return fates;
}

function fateOutside({ state, dependsOn }: PlanUnit, units: ReadonlyMap<string, PlanUnit>): Fate {
  if (state === 'broken') return { kind: 'blocked', by: null, rejected: null };
  if (state !== 'stuck') return { kind: 'left-out', state: state === 'complete' ? 'complete' : 'left-out' };
  const by = dependsOn.find((id) => ['broken', 'stuck', undefined].includes(units.get(id)?.state)) ?? null;
  return { kind: 'blocked', by, rejected: null };
}

function fateOf(
  { key, dependsOn }: PlanUnit,
  before: EarlierWork | undefined,
  fates: ReadonlyMap<string, Fate>,
): Fate {
  const isSame = before !== undefined && before.key === key;
  if (isSame && before.outcome === 'rejected') return { kind: 'blocked', by: null, rejected: before.pull };
  if (isSame && before.stands)
    return { kind: before.outcome === 'merged' ? 'merged' : 'done', pull: before.pull };
  const by = dependsOn.find((id) => fates.get(id)?.kind === 'blocked');
  if (by !== undefined) return { kind: 'blocked', by, rejected: null };
  const behind = dependsOn.filter((id) => ['run', 'waits'].includes(fates.get(id)?.kind ?? ''));
  const changed = before !== undefined && !isSame;
  return behind.length === 0 ? { kind: 'run', changed } : { kind: 'waits', changed, behind };
}

/** Whether a run of the plan would work on the unit. */
export function willRun(fate: Fate | undefined): boolean {
  return fate?.kind === 'run' || fate?.kind === 'waits';
}
