import type { Config } from '../config/schema.ts';
import type { Unit } from '../discovery/unit.ts';
import { ChooError, coerceError } from '../errors.ts';
import type { PlannedUnit } from '../events/event.ts';
import { unitBranch, type UnitScope } from '../git/branches.ts';
import type { ProblemCode } from '../problems/codes.ts';
import type { Problem } from '../problems/problem.ts';
import { firstPrompt } from '../provider/prompt.ts';
import type { Agent } from '../worker/agent/agent.ts';
import { checkEdits } from '../worker/spec-status.ts';

/** What preflight checks depend on beside the plan: this machine. */
export interface PreflightInput {
  readonly planned: readonly PlannedUnit[];
  readonly units: ReadonlyMap<string, Unit>;
  readonly config: Config;
  readonly place: UnitScope;
  readonly agentOf: (provider: string) => Agent;
}

/**
 * Finds all problems that would stop a run before an agent starts: missing executables, assignments that a provider does not
 * support, specs whose status cannot be written back.
 */
export function findPreflightProblems({
  planned,
  units,
  config,
  place,
  agentOf,
}: PreflightInput): readonly Problem[] {
  const problems: Problem[] = [];
  const missing = new Set<string>();
  for (const { id, provider, tasks } of planned) {
    const unit = units.get(id);
    if (unit === undefined || tasks.every(({ complete }) => complete)) continue;
    const at =
      (file: string, code: ProblemCode, line = 1) =>
      (error: unknown) => {
        const { message, hint } = coerceError(error);
        problems.push({
          severity: 'error',
          code,
          message,
          file,
          line,
          column: 1,
          ...(hint === undefined ? {} : { hint }),
        });
      };
    attempt(() => checkEdits(unit, unitBranch(place, id)), at(unit.plan.path, 'status-not-writable'));
    const agent = attempt(
      () => agentOf(provider),
      (error) => {
        if (!missing.has(provider)) at(unit.plan.path, 'provider-missing')(error);
        missing.add(provider);
      },
    );
    if (agent === undefined) continue;
    for (const task of unit.tasks.filter(({ status }) => status !== 'complete')) {
      const prompt = firstPrompt({ unit, task, directory: '', attempts: config.limits.attempts });
      attempt(
        () =>
          agent.provider.invocation({
            prompt,
            task,
            model: agent.model,
            args: agent.args,
            cwd: '/',
            stateDirectory: '/',
            variables: agent.variables,
            sandboxed: true,
          }),
        at(task.file.path, 'task-not-assignable', task.boxes?.[0]?.line),
      );
    }
  }
  return problems;
}

/** A ChooError becomes a problem; other errors are choo's own faults and are thrown again. */
function attempt<T>(action: () => T, onProblem: (error: unknown) => void): T | undefined {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof ChooError) || error.code === 'internal') throw error;
    onProblem(error);
    return undefined;
  }
}
