import type { EarlierAttempt } from '../provider/prompt.ts';
import { repairPrompt } from '../provider/prompt.ts';
import { type Check, findChecks, runCheck } from './checks.ts';
import type { Verdict } from './gate/gate.ts';
import type { Invoker } from './invocation.ts';
import { mayChangeOf } from './judge/protection.ts';
import { yieldSlot } from './slot.ts';
import { describeAttempt, taskTrailers } from './task-loop.ts';
import { fail, type UnitJob, type WorkerServices } from './unit-job.ts';
import type { UnitWorkspace } from './workspace.ts';

/**
 * Runs the repository's baseline checks once a unit's tasks are complete. The agent repairs a red check; the repair is committed
 * when all checks and all gates of the unit pass on its tree.
 */
export async function passBaselineChecks(
  job: UnitJob,
  services: WorkerServices,
  workspace: UnitWorkspace,
  invoker: Invoker,
): Promise<void> {
  const { unit, config, repairsUsed } = job;
  const { attempts } = config.limits;
  let red = await findRed(job, services, workspace, workspace.branch.tree, 0);
  const earlier: EarlierAttempt[] = [];
  for (let attempt = repairsUsed + 1; red !== undefined && attempt <= attempts; attempt += 1) {
    yieldSlot(job, services, false);
    const { check, verdict } = red;
    const { tail } = verdict;
    const prompt = repairPrompt({ unit, check, attempt, attempts, tail, earlier });
    const file = { title: `Repair ${check.name}`, file: unit.plan };
    const end = await invoker.attempt({ task: null, file, attempt, prompt });
    const left = await workspace.inspect({ mayChange: mayChangeOf(unit) });
    if (left.kind === 'unfit') {
      earlier.push(describeAttempt(end, left, undefined));
      continue;
    }
    const broken = await firstRedGate(job, workspace);
    if (broken !== undefined) {
      earlier.push({
        ...describeAttempt(end, left, broken.verdict),
        verdict: `\`${broken.gate}\` is red now`,
      });
      continue;
    }
    red = await findRed(job, services, workspace, left.tree, attempt);
    if (red === undefined) await commitRepair(job, services, workspace, left.tree, attempt, check);
    else earlier.push(describeAttempt(end, left, red.verdict));
  }
  if (red === undefined) return;
  const { check, verdict } = red;
  throw fail('baseline', `the check \`${check.name}\` is red: ${verdict.ending}`, verdict.reason?.text);
}

interface RedCheck {
  readonly check: Check;
  readonly verdict: Verdict;
}

/** Runs the checks whose pattern matches a changed file, until one is red. */
async function findRed(
  job: UnitJob,
  services: WorkerServices,
  workspace: UnitWorkspace,
  tree: string,
  attempt: number,
): Promise<RedCheck | undefined> {
  for (const check of await findChecks(job, workspace, tree)) {
    const verdict = await runCheck(job, services, workspace, { check, attempt });
    if (verdict.kind !== 'green') return { check, verdict };
  }
  return undefined;
}

async function firstRedGate(
  { unit }: UnitJob,
  workspace: UnitWorkspace,
): Promise<{ readonly gate: string; readonly verdict: Verdict } | undefined> {
  for (const { gate, number } of unit.tasks) {
    const verdict = await workspace.judge(gate, String(number));
    if (verdict.kind !== 'green') return { gate, verdict };
  }
  return undefined;
}

async function commitRepair(
  { run, unit }: UnitJob,
  { append }: WorkerServices,
  workspace: UnitWorkspace,
  tree: string,
  attempt: number,
  check: Check,
): Promise<void> {
  await workspace.commit(
    tree,
    [],
    {
      subject: `Make the check ${check.name} pass`,
      body: `Repair of ${unit.id}.`,
      trailers: taskTrailers({ run, unit: unit.id, task: 'baseline', attempt, gate: check.command }),
    },
    {
      record: ({ commit, parent }) =>
        append({ type: 'baseline.committed', unit: unit.id, attempt, commit, parent }),
      last: false,
    },
  );
}
