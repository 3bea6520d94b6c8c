import { describe, expect, test } from 'vitest';
import { fileOn, makeProject, type RunOutcome, story } from '../helpers/spec-project.ts';

const UNIT = 'choo/unit/main/unit';

/**
 * What the agent of the second task does in the first claim: behind choo's back it moves the unit's branch in the user's
 * repository, as a claim would whose push comes late. `$run` is the run's id.
 */
function pushLate(file: string, trailers: string): string {
  return `
name=$(basename "$PWD")
run=\${name%%.*}
touch two
case $name in $run.1.*) ;; *) exit 0 ;; esac
export GIT_DIR="$PWD/../../../../../project/.git" GIT_INDEX_FILE="$PWD/../index"
export GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x@localhost GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x@localhost
git read-tree ${UNIT}
git update-index --add --cacheinfo "100644,$(git hash-object -w --stdin < /dev/null),${file}"
commit=$(printf "Late\\n\\nPushed late.\\n\\n${trailers}" | git commit-tree "$(git write-tree)" -p ${UNIT})
git update-ref refs/heads/${UNIT} "$commit"
rm "$GIT_INDEX_FILE"`;
}

const OF_THIS_RUN = 'Choo-Run: $run\\nChoo-Unit: unit\\nChoo-Task: 2\\n';

async function projectWith(late: string) {
  const one = { gate: 'test -e one', sh: 'touch one' };
  const two = { gate: 'test -e two', sh: late };
  return makeProject({ units: { unit: { tasks: [one, two] } }, config: 'limits: { attempts: 2 }\n' });
}

function ofType({ events }: RunOutcome, type: string) {
  return events.filter((event) => event['type'] === type);
}

function invocations(outcome: RunOutcome): readonly string[] {
  return ofType(outcome, 'task.provider.invoke').map(
    ({ task, attempt }) => `${String(task)}.${String(attempt)}`,
  );
}

describe('a branch that moves while a unit is worked on', () => {
  test('by what can be an earlier claim of the run: the unit is given back, and goes on from there', async () => {
    await using project = await projectWith(pushLate('two', OF_THIS_RUN));
    const outcome = await project.run();
    expect(outcome.exitCode).toBe(0);
    expect(ofType(outcome, 'unit.released')).toMatchObject([
      { reason: 'the branch was moved by an earlier claim of this run', until: null },
    ]);
    expect(await story(project, UNIT)).toEqual(['Step 1 of unit', 'Late']);
    const late = await project.git('rev-parse', UNIT);
    expect(ofType(outcome, 'unit.started').at(-1)).toMatchObject({ claim: 2, head: late, tasks: [1, 2] });
    expect(ofType(outcome, 'unit.notice')).toMatchObject([{ code: 'taken-over' }]);
    // Both gates ran again before that counted, and no agent had to work again.
    const gates = ofType(outcome, 'task.validation.ok').filter(({ phase }) => phase === 'resume');
    expect(gates.map(({ task }) => task)).toEqual([1, 2]);
    expect(invocations(outcome)).toEqual(['1.1', '2.1']);
    expect(ofType(outcome, 'unit.completed')).toMatchObject([{ head: late, verified: true }]);
  });

  test('to a commit whose trailers lie: the gate is red there, and the task is done again', async () => {
    await using project = await projectWith(pushLate('other', OF_THIS_RUN));
    const outcome = await project.run();
    expect(outcome.exitCode).toBe(0);
    expect(ofType(outcome, 'unit.released')).toHaveLength(1);
    const red = ofType(outcome, 'task.validation.fail').filter(({ phase }) => phase === 'resume');
    expect(red.map(({ task }) => task)).toEqual([2]);
    expect(invocations(outcome)).toEqual(['1.1', '2.1', '2.2']);
    expect(await story(project, UNIT)).toEqual(['Step 1 of unit', 'Late', 'Step 2 of unit']);
    expect(await fileOn(project, UNIT, 'two')).toBe('');
  });

  test.each([
    ['a person', ''],
    ['another run', OF_THIS_RUN.replace('$run', 'run0000001')],
    ['another unit', OF_THIS_RUN.replace('Unit: unit', 'Unit: other')],
  ])('by %s: it stays where it is, and somebody has to look', async (_, trailers) => {
    await using project = await projectWith(pushLate('two', trailers));
    const outcome = await project.run();
    expect(outcome.exitCode).toBe(1);
    expect(ofType(outcome, 'unit.released')).toEqual([]);
    expect(ofType(outcome, 'unit.failed')).toMatchObject([{ failure: 'needs-human' }]);
    expect(await story(project, UNIT)).toEqual(['Step 1 of unit', 'Late']);
    expect((await project.run()).exitCode).toBe(1);
    expect(await story(project, UNIT)).toEqual(['Step 1 of unit', 'Late']);
  });
});
