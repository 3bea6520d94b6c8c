import { describe, expect, test } from 'vitest';
import { makeAppWorld, REPO } from '../helpers/app-world.ts';

const write = (file: string) => ({ gate: `test -f ${file}`, sh: `echo ${file} > ${file}` });

describe('the App', () => {
  test('plans what is pushed, runs it when asked, and answers with pull requests', async () => {
    await using world = await makeAppWorld({
      units: {
        base: { tasks: [write('base.txt')] },
        left: { dependsOn: ['base'], tasks: [write('left.txt')] },
      },
    });
    const { github } = world;
    await world.start();
    const head = await world.push('alice', 'main', { 'specs/tasks/base/note.md': 'A note.' });
    await world.until('the plan', ({ checks }) =>
      checks.some(({ name, head_sha }) => name === 'choo / plan' && head_sha === head),
    );
    const issue = await github.as('alice').createIssue(REPO, { title: 'Build it' });
    await github.as('alice').comment(REPO, issue, '/choo run');
    const { pulls } = await world.until('the end', ({ comments }) =>
      comments.some(({ body }) => body.includes('choo:end')),
    );
    expect(pulls.map(({ head, base, draft }) => [head.ref, base.ref, draft])).toEqual([
      ['choo/unit/main/base', 'main', false],
      ['choo/unit/main/left', 'choo/unit/main/base', true],
    ]);
  });
});
