import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { git, writeFiles } from '../helpers/git-repository.ts';
import { SANDBOXES } from '../helpers/sandboxes.ts';
import { makeServerProject } from '../helpers/server-project.ts';
import { ended } from '../helpers/server-waits.ts';
import { makeProject, type ProjectSpec } from '../helpers/spec-project.ts';

/** What an agent can find out with git, each in a file of its own. */
const LOOK = `
git cat-file --batch-all-objects --batch 2>&1 | grep -a -o 'SECRET-[a-z][a-z]*' | sort -u > found.txt || :
git for-each-ref > refs.txt
git cat-file -p "$(printf 'SECRET-%s\\n' branch | git hash-object --stdin)" > named.txt 2>&1 || :
git fsck --connectivity-only > fsck.txt 2>&1 && echo whole >> fsck.txt
git status --porcelain > status.txt
git log --format=%s > log.txt
git diff --name-only HEAD~1 -- one.txt > diff.txt
git show --format=%s --name-only HEAD -- one.txt > show.txt
git blame -s one.txt | grep -o 'changed by the agent' > blame.txt
echo more >> one.txt
git stash > stash.txt 2>&1 && echo stashed >> stash.txt || :
`;
const UNITS: ProjectSpec['units'] = {
  'a-other': { tasks: [{ gate: 'test -f other.txt', sh: "printf 'SECRET-%s\\n' unit > other.txt" }] },
  'b-look': {
    tasks: [
      { gate: 'test -f one.txt', sh: 'echo changed by the agent > one.txt' },
      // A gate sees what choo committed before, too.
      { gate: `"git log -2 --format=%s | grep -qx 'Step 1 of b-look' && test -f stash.txt"`, sh: LOOK },
    ],
  },
};
const PROJECT: ProjectSpec = { units: UNITS, config: 'parallelism: 1\n' };

/** Puts one secret on another branch, and one on a commit that no branch holds any more. */
async function hideSecrets(clone: string): Promise<void> {
  const main = await git(clone, 'rev-parse', 'HEAD');
  for (const [branch, name] of [
    ['private', 'branch'],
    ['replaced', 'gone'],
  ] as const) {
    await git(clone, 'checkout', '--quiet', '-B', branch, main);
    await writeFiles(clone, { [`${name}.txt`]: `SECRET-${name}\n` });
    await git(clone, 'add', '--all');
    await git(clone, 'commit', '--quiet', '--message=secret');
  }
  await git(clone, 'checkout', '--quiet', 'main');
}

async function expectNothingSeen(show: (file: string) => Promise<string>): Promise<void> {
  expect(await show('found.txt')).toBe('');
  expect(await show('refs.txt')).toBe('');
  expect(await show('named.txt')).toMatch(/Not a valid object name/);
  // And git works.
  expect(await show('fsck.txt')).toMatch(/^whole$/m);
  expect(await show('status.txt')).toMatch(/^\?\? log\.txt$|^\?\? found\.txt$/m);
  expect((await show('log.txt')).split('\n')).toEqual(['Step 1 of b-look', 'files']);
  expect(await show('diff.txt')).toBe('one.txt');
  expect(await show('show.txt')).toBe('Step 1 of b-look\n\none.txt');
  expect(await show('blame.txt')).toBe('changed by the agent');
  expect(await show('stash.txt')).not.toMatch(/^stashed/m);
  expect(await show('one.txt')).toBe('changed by the agent\nmore');
}

describe.skipIf(!SANDBOXES.includes('bubblewrap'))('an agent sees no object but those of its base', () => {
  test('in a run on this machine', async () => {
    await using project = await makeProject(PROJECT, { sandbox: 'bubblewrap' });
    await hideSecrets(project.path);
    await project.git('branch', '--quiet', '-D', 'replaced');
    const { exitCode, stderr } = await project.run();
    expect(exitCode, stderr).toBe(0);
    await expectNothingSeen(async (file) => project.git('show', `choo/unit/main/b-look:${file}`));
  });

  test('on a server', async () => {
    await using project = await makeServerProject(PROJECT, { CHOO_SANDBOX: 'bubblewrap' });
    const clone = join(project.remote, '../clone');
    await git(join(project.remote, '..'), 'clone', '--quiet', project.remote, clone);
    await hideSecrets(clone);
    await git(clone, 'push', '--quiet', 'origin', 'private', 'replaced');
    await project.serve();
    const first = await project.submit('--unit', 'a-other');
    const ends = async (run: string) => {
      expect(await ended(project, run)).toBe('complete');
    };
    await ends(first);
    // What was fetched is there though its branch is gone.
    await git(clone, 'push', '--quiet', 'origin', ':replaced');
    await ends(await project.submit('--unit', 'b-look'));
    await expectNothingSeen(async (file) => project.git('show', `choo/unit/main/b-look:${file}`));
  });
});
