import { expect, test } from 'vitest';
import { PLAN_CHECK, RUN_BUTTON } from '../../../../src/app/repository/checks.ts';
import { RUN_LABEL } from '../../../../src/app/repository/labels.ts';
import { REPO } from '../../../helpers/app-world.ts';
import { makeHandlerWorld } from '../../../helpers/handler-world.ts';

const HOUR = 3_600_000;

test('a comment, a label and a button that are handled hours later are answered once, and not obeyed', async () => {
  await using handlers = await makeHandlerWorld({ units: { one: { tasks: [{ gate: 'true' }] } } });
  const { world, waiting } = handlers;
  const { github } = world;
  const alice = github.as('alice');
  const inTime = await handlers.open();
  const late = await handlers.open(() => Date.now() + 3 * HOUR + 60_000);
  const only = (event: string) => {
    const delivery = waiting(event).at(-1);
    if (delivery === undefined) throw new Error(`there is no ${event}`);
    return delivery;
  };
  const commit = await world.push('alice', 'main', { 'specs/tasks/one/note.md': 'Mind.' });
  await expect.poll(() => waiting('push').at(-1)?.payload).toMatchObject({ after: commit });
  await inTime.handle(only('push'));
  const thread = await alice.createIssue(REPO, { title: 'Build it' });

  await alice.comment(REPO, thread, '/choo run');
  await late.handle(only('issue_comment'));
  await late.handle(only('issue_comment'));
  await alice.label(REPO, thread, RUN_LABEL);
  await late.handle(only('issues'));
  const plan = (await github.state(REPO)).checks.find(({ name }) => name === PLAN_CHECK);
  alice.pressButton(REPO, plan?.id ?? 0, RUN_BUTTON.identifier);
  const pressed = only('check_run');
  await late.handle({ ...pressed, sentAt: new Date(Date.now() - HOUR) });

  const { comments, issues, checks } = await github.state(REPO);
  const own = comments.filter(({ issue, user }) => issue === thread && user !== 'alice');
  expect(own.map(({ body }) => body)).toEqual([
    expect.stringContaining('this request arrived 3 hours late; ask again if you still want it.'),
    expect.stringContaining('this request arrived 3 hours late; ask again if you still want it.'),
  ]);
  expect(issues.find(({ number }) => number === thread)?.labels).toEqual([]);
  expect(checks.find(({ name }) => name === PLAN_CHECK)?.output.summary).toContain('4 hours late');
  expect(await runs()).toBe(0);
  // The same button in time: nothing but its age was against it.
  alice.pressButton(REPO, plan?.id ?? 0, RUN_BUTTON.identifier);
  await inTime.handle(only('check_run'));
  expect(await runs()).toBe(1);

  async function runs(): Promise<number> {
    return (await inTime.services.database.selectFrom('runs').select('id').execute()).length;
  }
});
