import { ceilingsOf } from '../../config/ceilings.ts';
import { applyCeilings } from '../../config/apply-ceilings.ts';
import { DEFAULT_CONFIG } from '../../config/schema.ts';
import { ChooError } from '../../errors.ts';
import { ENDED } from '../../events/run-rules.ts';
import type { RunState } from '../../events/state.ts';
import { decideRequest } from '../../orchestrator/local/decide-request.ts';
import { changeLocally } from '../../orchestrator/local/local-run.ts';
import { findPreflightProblems } from '../../orchestrator/preflight.ts';
import { renderProblem } from '../../plan/text.ts';
import type { RunRequest } from '../../store/journal/run-requests.ts';
import type { CommandContext } from '../context.ts';
import type { LocalJournal } from '../sources/local-journal.ts';
import { readProjectAtCommit } from '../sources/project-at-commit.ts';
import { applyLimitOptions } from '../sources/run-limits.ts';
import { seenFrom } from '../sources/workspace.ts';
import { exitCodeOf, findBranchProblems, openTerminalRun } from './local-services.ts';

/** A run of this repository that no process carries out, and what is asked of it. */
export interface ContinuedRun {
  readonly local: LocalJournal;
  readonly state: RunState;
  readonly request: RunRequest;
  readonly json: boolean;
  /** Says what changes, for those who read. */
  readonly say: (units: readonly string[]) => void;
}

/**
 * Changes a run as it is asked to and carries it out at this terminal, as `choo run` does, by the specs, the sandbox and the
 * limits that it has. Throws a ChooError (`usage`, `conflict`) for what cannot be changed so.
 */
export async function continueRun(
  context: CommandContext,
  { local, state, request, json, say }: ContinuedRun,
): Promise<void> {
  const { terminal, finish, cwd } = context;
  const { start } = state;
  const { place, directory } = local;
  refuseEarly(request, state);
  if (start.directory !== place.prefix)
    throw new ChooError('usage', `run ${start.run} is one of another project of this repository`, {
      hint: `call it in \`${start.directory === '' ? '.' : start.directory}\`, from the root of the repository`,
    });
  const settings = context.settings();

  // 1. What was approved, within the ceilings of today.
  const { project } = await readProjectAtCommit(directory, start.commit, settings.PATH);
  const ceilings = ceilingsOf(settings);
  const { parallelism, limits } = start;
  const { config } = applyLimitOptions(
    applyCeilings(project.configuration, ceilings).config ?? DEFAULT_CONFIG,
    {
      parallelism,
      maxTokens: limits.runTokens,
      ...(limits.runCost === null ? {} : { maxCost: limits.runCost }),
    },
    ceilings,
  );

  // 2. Whether it can be carried out.
  const { units } = project.discovery;
  const unitPlace = { target: start.target, directory: start.directory };
  const left = start.units.filter(({ id }) => isLeft(id, state, request));
  using run = await openTerminalRun(context, {
    units,
    providers: left.map(({ provider }) => provider),
    config,
    place,
    sandbox: start.sandbox,
    keepWorktrees: false,
    json,
  });
  const problems = [
    ...(await findBranchProblems(place, settings.PATH, {
      place: unitPlace,
      ids: start.units.map(({ id }) => id),
    })),
    ...findPreflightProblems({
      planned: left,
      units: new Map(units.map((unit) => [unit.id, unit])),
      config,
      place: unitPlace,
      agentOf: run.services.agentOf,
    }),
  ];
  if (problems.length > 0) {
    for (const problem of problems.map(seenFrom(cwd, directory)))
      terminal.notice(`${renderProblem(problem, terminal)}\n`);
    finish(1);
    return;
  }

  // 3. To its end.
  const onChange = json ? () => {} : say;
  const end = await changeLocally({ ...run.services, run: start.run, request, onChange });
  run.view.end(end);
  finish(exitCodeOf(end));
}

/** Refuses before the sandbox is opened. The change itself is decided again under the lock. */
function refuseEarly(request: RunRequest, state: RunState): void {
  const decision = decideRequest(request, state);
  if (decision.kind === 'change') return;
  const { code, message } = decision;
  const isOpen = request.kind === 'retry' && request.units.length === 0 && !ENDED.has(state.status);
  const hint = isOpen ? '`choo run` goes on with what is left of it' : decision.hint;
  throw new ChooError(code, message, hint === undefined ? {} : { hint });
}

/** Whether a worker may come to a unit. */
function isLeft(id: string, { units }: RunState, request: RunRequest): boolean {
  if (request.units.includes(id)) return request.kind === 'retry';
  const state = units.get(id)?.state;
  return state !== 'complete' && state !== 'skipped';
}
