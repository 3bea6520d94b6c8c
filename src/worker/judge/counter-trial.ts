import type { JudgeChange, JudgedHead } from '../../events/judge-change.ts';
import { messageOf } from '../../errors.ts';
import { treeOf } from '../../git/objects/tree-object.ts';
import { judgeAgain } from '../second-look.ts';
import { yieldSlot } from '../slot.ts';
import { type GateServices, type UnitJob, UnitStop } from '../unit-job.ts';
import { UnitWorkspace } from '../workspace.ts';
import type { Protection } from './protection.ts';
import { takeJudgeBack } from './take-back.ts';

type Trial = NonNullable<JudgedHead['trial']>;

/** How the gates ended, and the changes with how each was in it. */
interface TrialOutcome {
  readonly trial: Trial | undefined;
  readonly changes: readonly JudgeChange[];
}

/**
 * Runs every gate of a unit once more, on its work with the judge as it was at the base, in a new worktree of its own set-up. No
 * `trial`: nothing of the judge was changed that could be taken back.
 */
export async function runCounterTrial(
  job: UnitJob,
  services: GateServices,
  {
    protection,
    changes,
    mayChange,
    from,
    head,
  }: {
    readonly protection: Protection;
    readonly changes: readonly JudgeChange[];
    readonly mayChange: readonly string[];
    /** The tree of the base. */
    readonly from: string;
    readonly head: string;
  },
): Promise<TrialOutcome> {
  const { repository } = services;
  const to = await treeOf(repository.reader, head);
  const taken = await takeJudgeBack(repository, protection, { from, to, changes });
  if (taken === undefined) return { trial: undefined, changes };
  const known = new Set(changes.map(({ path }) => path));
  const shadows = [...taken.how.keys()].filter((path) => !known.has(path));
  const all = [
    ...changes.map((change) => {
      const trial = taken.how.get(change.path);
      return trial === undefined ? change : { ...change, trial };
    }),
    ...shadows.map((path) => newFile(path, protection.allows(mayChange, path))),
  ];
  const commit = await repository.commit({
    tree: taken.tree,
    parents: [head],
    subject: 'To be judged as before',
  });
  const result = await runGates(job, services, commit);
  return { trial: { ...result, mayChange: whatMayChange(all) }, changes: all };
}

/** A file that takes the place of a module is on no list. */
function newFile(path: string, isAllowed: boolean): JudgeChange {
  return { path, level: 'tell', kind: 'added', isAllowed, added: null, removed: null, trial: 'without' };
}

function whatMayChange(changes: readonly JudgeChange[]): Trial['mayChange'] {
  const tried = changes.filter(({ trial }) => trial !== undefined);
  if (tried.every(({ isAllowed }) => isAllowed)) return 'all';
  return tried.every(({ isAllowed, kind }) => isAllowed || kind === 'added') ? 'existing' : 'none';
}

async function runGates(
  job: UnitJob,
  services: GateServices,
  commit: string,
): Promise<Pick<Trial, 'gates' | 'fault'>> {
  const { onActivity } = services;
  let workspace: UnitWorkspace;
  try {
    workspace = await UnitWorkspace.open(job, services, commit, { suffix: '.before', mayKeep: false });
  } catch (error) {
    // A set-up that needs what was changed.
    if (!(error instanceof UnitStop) || error.end.kind !== 'failed') throw error;
    return { gates: [], fault: messageOf(error) };
  }
  const gates: Trial['gates'][number][] = [];
  try {
    for (const { gate, number } of job.unit.tasks) {
      yieldSlot(job, services, false);
      const {
        kind,
        output: _output,
        openings: _openings,
        ...end
      } = await judgeAgain(job, services, { task: number }, workspace, async () => {
        onActivity(`$ ${gate}`);
        return workspace.judge(gate, `${number}.before`, { isApart: true });
      });
      const tail = workspace.commands.forPeople(end.tail);
      gates.push({ task: number, passed: kind === 'green', ...end, tail });
    }
  } finally {
    await workspace.close(false);
  }
  return { gates, fault: null };
}
