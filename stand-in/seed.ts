import { execa } from 'execa';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { git, GIT_ENVIRONMENT } from './git.ts';
import type { Level } from './options.ts';
import type { Installation, Json, MergeSettings, Repository, User } from './world.ts';

/** Creates a bare repository below the root, with one commit on `main` if there are files. */
export async function makeBare(
  root: string,
  id: number,
  files: Readonly<Record<string, string>>,
  by: string,
): Promise<string> {
  const bare = join(root, `${id}.git`);
  await execa('git', ['init', '-q', '--bare', '-b', 'main', '--template=', bare], {
    extendEnv: false,
    env: GIT_ENVIRONMENT,
  });
  await appendFile(join(bare, 'config'), SETTINGS(root));
  await importFiles(bare, files, by);
  return bare;
}

/** Creates a bare repository as a copy of another. */
export async function copyBare(root: string, id: number, from: string): Promise<string> {
  const bare = await makeBare(root, id, {}, '');
  await git(bare, ['fetch', '-q', from, 'refs/heads/*:refs/heads/*', 'refs/tags/*:refs/tags/*']);
  return bare;
}

/** The state of a new repository. */
export function newRepository(
  of: Pick<Repository, 'id' | 'profile' | 'owner' | 'name' | 'bare' | 'drafts' | 'isPrivate'> & {
    readonly parent?: Repository;
    readonly installation: Installation | undefined;
    readonly collaborators?: Readonly<Record<string, Level>>;
    readonly settings?: Partial<MergeSettings>;
  },
): Repository {
  const { collaborators = {}, parent, settings = {}, ...rest } = of;
  return {
    ...rest,
    settings: { ...SETTINGS_AT_FIRST, ...settings },
    parent,
    collaborators: new Map(
      Object.entries(collaborators).map(([login, level]) => [login.toLowerCase(), level]),
    ),
    defaultBranch: 'main',
    deletionWins: false,
    dismissesStale: false,
    rulesets: [],
    stacks: [],
    formerNames: [],
    alone: pLimit(1),
    labels: [],
    issues: [],
    comments: [],
    reviews: [],
    threads: [],
    reviewComments: [],
    reactions: [],
    suites: [],
    checks: [],
    statuses: [],
  };
}

export function userFrom(profile: Json, type: User['type'], login: string): User {
  return { id: Number(profile['id']), login, type, profile };
}

/** GitHub's settings of a new repository. */
const SETTINGS_AT_FIRST: MergeSettings = {
  allow_merge_commit: true,
  allow_squash_merge: true,
  allow_rebase_merge: true,
  delete_branch_on_merge: false,
  squash_merge_commit_title: 'COMMIT_OR_PR_TITLE',
  squash_merge_commit_message: 'COMMIT_MESSAGES',
};

// GitHub allows these, too: pushes, partial clones, fetches by commit. Received packs stay packs, which is fast.
const SETTINGS = (root: string): string => `
[http]
	receivepack = true
[core]
	hooksPath = ${join(root, 'hooks')}
[receive]
	unpackLimit = 1
	autogc = false
[gc]
	auto = 0
[uploadpack]
	allowFilter = true
	allowAnySHA1InWant = true
`;

async function importFiles(bare: string, files: Readonly<Record<string, string>>, by: string): Promise<void> {
  const entries = Object.entries(files);
  if (entries.length === 0) return;
  const at = Math.floor(Date.now() / 1000);
  const who = `${by} <${by}@users.noreply.localhost> ${at} +0000`;
  const data = (content: string): string => `data ${Buffer.byteLength(content)}\n${content}\n`;
  const commit = `commit refs/heads/main\nauthor ${who}\ncommitter ${who}\n${data('Initial commit')}`;
  const changes = entries.map(
    ([path, content]) =>
      `M ${content.startsWith('#!') ? '100755' : '100644'} inline ${path}\n${data(content)}`,
  );
  await git(bare, ['fast-import', '--quiet'], `${commit}${changes.join('')}\n`);
}
