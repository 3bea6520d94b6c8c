import type { JudgeChange } from '../../events/judge-change.ts';
import { treeOf } from '../../git/objects/tree-object.ts';
import { fail, type GateServices, type UnitJob } from '../unit-job.ts';
import { listPaths, type UnitWorkspace } from '../workspace.ts';
import { findJudgeChanges, MAX_CHANGES } from './judge-changes.ts';
import { findProtection, mayChangeOf } from './protection.ts';

/**
 * Tells what a unit's work at `head` changed of what judges or builds. Throws a UnitStop where a person must agree to a change: no
 * task of the unit may make it.
 */
export async function compareJudge(
  job: UnitJob,
  { repository, append, log }: Pick<GateServices, 'repository' | 'append' | 'log'>,
  head: string,
): Promise<void> {
  const { reader } = repository;
  const protection = await findProtection(reader, job);
  const [from, to] = [await treeOf(reader, job.base), await treeOf(reader, head)];
  const changes = await findJudgeChanges(repository, protection, {
    from,
    to,
    mayChange: mayChangeOf(job.unit),
  });
  const told = changes.slice(0, MAX_CHANGES);
  append({
    type: 'judge.compared',
    unit: job.unit.id,
    head,
    changes: told,
    more: changes.length - told.length,
  });
  if (changes.length > 0) log.say(`it changed what judges it: ${listPaths(changes.map(({ path }) => path))}`);
  refuse(changes, 'its gates pass, and it');
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
