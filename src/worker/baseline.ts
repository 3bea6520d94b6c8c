import { setImmediate as afterOthers } from 'node:timers/promises';
import { readGlob } from '../config/glob.ts';
import type { Config } from '../config/schema.ts';
import type { EarlierAttempt } from '../provider/prompt.ts';
import { repairPrompt } from '../provider/prompt.ts';
import type { Verdict } from './gate/gate.ts';
import type { Invoker } from './invocation.ts';
import { mayChangeOf } from './judge/protection.ts';
import { yieldSlot } from './slot.ts';
import { describeAttempt, taskTrailers } from './task-loop.ts';
import { fail, type UnitJob, type WorkerServices } from './unit-job.ts';
import type { UnitWorkspace } from './workspace.ts';

type Check = Config['baseline_checks'][number];

/** Length of the paths that are matched before other work of this thread runs. UTF-16 code units; about ten milliseconds. */
const PATHS_AT_ONCE = 200_000;

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
  { unit, config }: UnitJob,
  { append, onActivity }: WorkerServices,
  workspace: UnitWorkspace,
  tree: string,
  attempt: number,
): Promise<RedCheck | undefined> {
  if (config.baseline_checks.length === 0) return undefined;
  const changed = await workspace.changedSinceBase(tree);
  for (const check of config.baseline_checks) {
    const { pattern } = check;
    if (pattern !== undefined && !(await fitsAny(pattern, changed))) continue;
    onActivity(`$ ${check.command}`);
    const verdict = await workspace.judge(check.command, 'baseline');
    const { kind, ...rest } = verdict;
    const end = { ...rest, tail: workspace.commands.forPeople(rest.tail) };
    const passed = kind === 'green';
    append({
      type: passed ? 'baseline.ok' : 'baseline.fail',
      unit: unit.id,
      name: check.name,
      attempt,
      ...end,
    });
    if (kind === 'fault')
      throw fail(
        'environment',
        `the check \`${check.name}\` cannot run here: ${end.ending}`,
        end.reason?.text,
      );
    if (!passed) return { check, verdict };
  }
  return undefined;
}

/** Whether one of the paths matches. Yields to other work of this thread in between: there may be very many paths. */
async function fitsAny(pattern: string, paths: readonly string[]): Promise<boolean> {
  const glob = readGlob(pattern);
  if ('fault' in glob) return true; // no configuration says so
  let left = PATHS_AT_ONCE;
  for (const path of paths) {
    if (glob.matches(path)) return true;
    left -= path.length;
    if (left > 0) continue;
    left = PATHS_AT_ONCE;
    await afterOthers();
  }
  return false;
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
