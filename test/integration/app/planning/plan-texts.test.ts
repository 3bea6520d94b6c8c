import { expect, test } from 'vitest';
import { createHandler } from '../../../../src/app/inbound/handlers.ts';
import { PLAN_CHECK } from '../../../../src/app/repository/checks.ts';
import { saveUnitPull } from '../../../../src/store/github/unit-pulls.ts';
import { REPO } from '../../../helpers/app-world.ts';
import { makeHandlerWorld } from '../../../helpers/handler-world.ts';
import { projectFiles } from '../../../helpers/spec-project.ts';

test('a plan says what does not count yet, who else works on its units, and what the server lacks', async () => {
  await using handlers = await makeHandlerWorld({ units: { base: { tasks: [{ gate: 'true' }] } } });
  const { world, waiting } = handlers;
  const { github } = world;
  const { services } = await handlers.open();
  const lack = { message: 'it has no key', hint: 'set the key' };
  const missingProviders = () => new Map([['rehearsal', lack]] as const);
  const handle = createHandler({ ...services, policy: { ...services.policy, missingProviders } });

  /** The check and the comment of a pull request that makes these changes. */
  const plan = async (branch: string, files: Readonly<Record<string, string>>) => {
    const commit = await world.push('alice', branch, files);
    const pull = await github.as('alice').openPull(REPO, { head: branch, base: 'main', title: branch });
    await expect.poll(() => waiting('pull_request').at(-1)?.payload).toMatchObject({ number: pull });
    const delivery = waiting('pull_request').at(-1);
    expect(delivery && (await handle(delivery))).toEqual({ kind: 'done' });
    const { checks, comments } = await github.state(REPO);
    const check = checks.find(({ name, head_sha }) => name === PLAN_CHECK && head_sha === commit);
    return { check, comment: comments.find(({ issue }) => issue === pull)?.body ?? '', pull };
  };

  // Only a configuration, which does not count before it is on the default branch.
  const config = await plan('settings', { '.choo.yml': 'parallelism: 2\nprovider: { type: rehearsal }\n' });
  expect(config.check).toMatchObject({
    conclusion: 'neutral',
    output: { title: 'Only the configuration changes' },
  });
  expect(config.check?.output.summary).toContain('It counts once it is on the default branch');
  expect(config.check?.output.summary).not.toContain('mermaid');
  expect(config.comment).toMatch(
    /^Only the configuration changes at [0-9a-f]{12}: there is nothing to run\./,
  );
  expect(config.comment).not.toContain('/choo run');

  // A unit that an open pull request of another branch has, and a provider that the server cannot start.
  const { id } = await repositoryRow();
  const open = { unit: 'one', number: 77, nodeId: 'n', state: 'open' as const, base: 'other', draft: false };
  const rest = { hash: '', run: null, head: null, mergeCommit: null, held: false, updateAsked: false };
  const flags = { replaces: null, stacked: false, resolveAsked: false };
  await saveUnitPull(services.database, id, 'other', { ...open, ...rest, ...flags });
  const { '.choo.yml': _, ...files } = projectFiles({ units: { one: { tasks: [{ gate: 'true' }] } } });
  const specs = await plan('specs', { ...files, '.gitmodules': '[submodule "lib"]\n' });
  expect(specs.comment).toContain('- `one` is in #77, which goes to `other`');
  expect(specs.comment).toContain('| `one` |');
  expect(specs.check).toMatchObject({ conclusion: 'success', output: { title: '2 units in 1 wave' } });
  expect(specs.check?.output.summary).toContain('this server cannot start rehearsal\\: it has no key');
  expect(specs.check?.output.summary).toContain('submodules are not fetched');

  async function repositoryRow(): Promise<{ readonly id: string }> {
    return services.database
      .selectFrom('github_repositories')
      .select('repository as id')
      .executeTakeFirstOrThrow();
  }
});
