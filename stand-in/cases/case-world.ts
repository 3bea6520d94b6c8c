import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { git, writeFiles } from '../../test/helpers/git-repository.ts';
import { temporaryDirectory } from '../../test/helpers/temporary-directory.ts';
import { clientOf, installationToken, startReceiver, type Receiver } from '../clients.ts';
import type { GitHubOptions } from '../options.ts';
import { startGitHub, type GitHub } from '../stand-in.ts';

export const REPO = 'acme/widgets';
export const AT = { owner: 'acme', repo: 'widgets' };
/** Parsed JSON. */
export type Fields = Record<string, never>;

/** A GitHub with a repository, the app's client, alice's clone, and a receiver of webhooks. */
export async function startWorld(options: Partial<GitHubOptions> = {}) {
  await using releasing = new AsyncDisposableStack();
  const github = releasing.use(
    await startGitHub({
      users: [{ login: 'mallory' }, { login: 'dependabot[bot]', type: 'Bot' }],
      repositories: [
        {
          ...{ owner: 'acme', name: 'widgets', files: { 'a.md': 'one\n', 'docs/b.md': 'b\n' } },
          collaborators: { alice: 'write', bob: 'read', eve: 'none' },
        },
        { owner: 'acme', name: 'secrets', files: { x: 'x' }, private: true },
        {
          owner: 'other',
          name: 'plain',
          files: { x: 'x' },
          drafts: false,
          collaborators: { alice: 'write' },
        },
      ],
      ...options,
    }),
  );
  const receiver: Receiver = releasing.use(await startReceiver(github.environment.WEBHOOK_SECRET));
  const place = releasing.use(await temporaryDirectory());
  const clone = join(place.path, 'clone');
  await git(place.path, 'clone', '-q', github.remote(REPO, 'alice'), clone);
  const token = await installationToken(github, 1001);
  github.deliverTo(receiver.url);
  const stop = releasing.move();
  return {
    ...{ github, receiver, clone, token, app: clientOf(github, token) },
    [Symbol.asyncDispose]: () => stop.disposeAsync(),
  };
}

/** Commits files on a branch of the clone and pushes it. */
export async function push(
  clone: string,
  branch: string,
  files: Record<string, string>,
  ...flags: string[]
): Promise<string> {
  await git(clone, 'checkout', '-q', '-B', branch);
  await writeFiles(clone, files);
  await git(clone, 'add', '-A');
  await git(clone, 'commit', '-q', '-m', `change ${branch}`);
  await git(clone, 'push', '-q', ...flags, 'origin', branch);
  return git(clone, 'rev-parse', 'HEAD');
}

/** Begins a branch of the clone where GitHub's `main` is now. */
export async function checkout(clone: string, branch: string): Promise<void> {
  await git(clone, 'fetch', '-q', '--prune', 'origin');
  await git(clone, 'checkout', '-q', '-B', branch, 'origin/main');
}

/** A key that belongs to no app. */
export function otherKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** The URL for git, with an app's token. */
export const remoteBy = (github: GitHub, token: string, repo = REPO): string =>
  `http://x-access-token:${token}@${github.host}/${repo}.git`;
