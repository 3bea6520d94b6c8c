import { randomInt } from 'node:crypto';
import type { Config } from '../config/schema.ts';
import type { OrchStarted } from '../events/unit-record.ts';
import type { Plan } from '../plan/schema.ts';
import { compareText } from '../problems/problem.ts';
import type { BudgetLimits } from '../worker/agent/budget.ts';

/** Input of a run's first event. */
export interface StartInput extends Pick<
  OrchStarted,
  | 'target'
  | 'commit'
  | 'directory'
  | 'sandbox'
  | 'parallelism'
  | 'verify'
  | 'limits'
  | 'actor'
  | 'remote'
  | 'stack'
> {
  readonly plan: Plan;
  /** Ids of units that start over. */
  readonly fresh: ReadonlySet<string>;
}

/** The first event of a run of this plan. */
export function describeStart({ plan, fresh, ...input }: StartInput, run: string): OrchStarted {
  const { target, commit, directory, sandbox, parallelism, verify, limits, actor, remote, stack } = input;
  const wanted = new Set(plan.waves.flat());
  return {
    type: 'orch.started',
    run,
    target,
    commit,
    directory,
    sandbox,
    parallelism,
    verify,
    limits,
    units: plan.units
      .filter(({ id }) => wanted.has(id))
      .map(({ id, key, title, dependsOn, tasks, provider }) => ({
        id,
        key: key ?? '',
        title,
        // A dependency that is complete in the specs is in the target already.
        dependsOn: dependsOn.filter((each) => wanted.has(each)),
        tasks: tasks.map(({ number, title, status }) => ({ number, title, complete: status === 'complete' })),
        provider: provider?.name ?? '',
        source: provider?.source ?? '',
      })),
    fresh: [...fresh].filter((id) => wanted.has(id)).sort(compareText),
    actor,
    remote,
    ...(stack !== undefined && { stack }),
    update: null,
  };
}

/** The limits that a run starts with. */
export function limitsOf({ limits }: Config): OrchStarted['limits'] {
  return {
    attempts: limits.attempts,
    unitTokens: limits.unit_tokens,
    unitCost: limits.unit_cost ?? null,
    runTokens: limits.run_tokens,
    runCost: limits.run_cost ?? null,
  };
}

/** The budgets of a unit and a run; without a limit on money, the cost is infinite. */
export function budgetOf({ unitTokens, unitCost, runTokens, runCost }: OrchStarted['limits']): BudgetLimits {
  return {
    unit: { tokens: unitTokens, cost: unitCost ?? Number.POSITIVE_INFINITY },
    run: { tokens: runTokens, cost: runCost ?? Number.POSITIVE_INFINITY },
  };
}

/** A new run id: ten digits and lower-case letters. */
export function newRunId(): string {
  return Array.from({ length: 10 }, () => randomInt(36).toString(36)).join('');
}
