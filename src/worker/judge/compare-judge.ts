import { type JudgeChange, type JudgedHead, trialResult } from '../../events/judge-change.ts';
import type { Openings } from '../../sandbox/sandbox.ts';
import { treeOf } from '../../git/objects/tree-object.ts';
import { fail, type GateServices, type UnitJob } from '../unit-job.ts';
import { listPaths } from '../../text/list-paths.ts';
import type { UnitWorkspace } from '../workspace.ts';
import { runCounterTrial } from './counter-trial.ts';
import { findJudgeChanges, MAX_CHANGES } from './judge-changes.ts';
import { findProtection, mayChangeOf, type Protection } from './protection.ts';
import { findWatchedFiles } from './watched-files.ts';

/** What a unit's work is compared with. */
interface Comparison {
  readonly protection: Protection;
  readonly mayChange: readonly string[];
  /** Files of which it is to be told whether gates open them. */
  readonly watched: readonly string[];
}

/**
 * Prepares to compare a unit's work at `head` with its base, before its gates run for the last time. `also`: units whose work is part of
 * it, and what their tasks may change.
 */
export async function openComparison(
  job: UnitJob,
  services: Pick<GateServices, 'repository'>,
  head: string,
  also: readonly UnitJob['unit'][] = [],
): Promise<Comparison> {
  const tasks = [job.unit, ...also].flatMap((unit) => unit.tasks);
  const whole = { ...job, unit: { ...job.unit, tasks } };
  const protection = await findProtection(services.repository.reader, whole);
  const watched = await findWatchedFiles(whole, services, protection, head);
  return { protection, mayChange: mayChangeOf(whole.unit), watched };
}

/**
 * Tells what a unit's work at `head` changed of what judges or builds, and whether it passes without these changes, where its gates
 * were `verified`. Throws a UnitStop where a person must agree to a change, since no task of the unit may make it; and, with
 * `strict_judge`, where the work passes only with such changes.
 */
export async function compareJudge(
  job: UnitJob,
  services: GateServices,
  {
    head,
    verified,
    comparison: { protection, mayChange },
    openings,
  }: {
    readonly head: string;
    readonly verified: boolean;
    readonly comparison: Comparison;
    /** Which of the watched files the gates opened; undefined: none ran. */
    readonly openings: Openings | undefined;
  },
): Promise<void> {
  const { repository, append, log } = services;
  const { reader } = repository;
  const [from, to] = [await treeOf(reader, job.base), await treeOf(reader, head)];
  const found = await findJudgeChanges(repository, protection, { from, to, mayChange });
  const { changes, trial } = verified
    ? await runCounterTrial(job, services, { protection, changes: found, mayChange, from, head })
    : { changes: found };
  const told = changes.slice(0, MAX_CHANGES);
  append({
    type: 'judge.compared',
    unit: job.unit.id,
    head,
    changes: [...told],
    more: changes.length - told.length,
    ...(trial === undefined ? {} : { trial }),
    ...openedOf(openings),
  });
  if (changes.length > 0) log.say(`it changed what judges it: ${listPaths(changes.map(({ path }) => path))}`);
  const result = trial === undefined ? undefined : trialResult(trial);
  if (result !== undefined)
    log.say(
      result === 'same' ? 'it passes with the judge as it was' : 'it passes only with the changed judge',
    );
  refuse(changes, 'its gates pass, and it');
  if (job.config.strict_judge && (result === 'new' || result === 'changed')) refuseTrial(changes);
}

function openedOf(openings: Openings | undefined): Pick<JudgedHead, 'opened' | 'openedUnknown'> {
  if (openings === undefined) return {};
  if (openings.kind === 'unknown') return { openedUnknown: openings.reason };
  return { opened: openings.paths.slice(0, MAX_CHANGES) };
}

/** Throws a UnitStop where an agent without a task changed what judges or builds, and no task of the unit may. */
export async function refuseJudgeChanges(
  job: UnitJob,
  { repository }: Pick<GateServices, 'repository'>,
  workspace: UnitWorkspace,
  { to, mayChange }: { readonly to: string; readonly mayChange: readonly string[] },
): Promise<void> {
  const from = await treeOf(repository.reader, job.start);
  const protection = await workspace.protection();
  refuse(await findJudgeChanges(repository, protection, { from, to, mayChange }), 'the agent');
}

function refuse(changes: readonly JudgeChange[], who: string): void {
  const asked = changes.filter(({ level, isAllowed }) => level === 'ask' && !isAllowed);
  if (asked.length === 0) return;
  const paths = listPaths(asked.map(({ path }) => path));
  throw fail(
    'judge-changed',
    `${who} changed what judges or builds it, which no task may: ${paths}`,
    'look at these changes and merge its branch if they are right; or name them in `may_change` of a task',
  );
}

function refuseTrial(changes: readonly JudgeChange[]): never {
  const tried = changes.filter(({ trial, isAllowed }) => trial !== undefined && !isAllowed);
  throw fail(
    'verify',
    `it passes only with the changed judge, which no task may change: ${listPaths(tried.map(({ path }) => path))}`,
    '`strict_judge` is set: name these files in `may_change` of a task where it has to change them',
  );
}
