import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRequestCheck } from '../../stand-in/openapi.ts';
import type { RepositoryOptions } from '../../stand-in/options.ts';
import { type GitHub, startGitHub } from '../../stand-in/stand-in.ts';
import { copyDatabase } from './database-template.ts';
import { git, writeFiles } from './git-repository.ts';
import { makeServer, type Server, type ServerProcess } from './server-project.ts';
import { projectFiles, type ProjectSpec } from './spec-project.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** The repository that the App is installed on in tests. */
export const REPO = 'team/widgets';

/** A GitHub with one repository, and a choo that is its App. */
export interface AppWorld extends AsyncDisposable {
  /** Where the server keeps its data. */
  readonly dataDirectory: string;
  readonly github: GitHub;
  readonly server: Server;
  /** Starts the App, or starts it again, and has deliveries come to it. */
  readonly start: (environment?: Readonly<Record<string, string>>) => Promise<ServerProcess>;
  /** Has deliveries come again to the process that was started last. */
  readonly deliver: () => void;
  /** Kills the process that was started last, at once, and resolves when it is gone. */
  readonly kill: () => Promise<void>;
  /** Commits files on a branch of a clone and pushes it, as a person. Null: the file goes. Returns the commit. */
  readonly push: (
    login: string,
    branch: string,
    files: Readonly<Record<string, string>>,
    options?: { readonly from?: string; readonly repo?: string },
  ) => Promise<string>;
  /** In the repository on GitHub's side. */
  readonly git: (...args: string[]) => Promise<string>;
  /** Waits for something to hold, on GitHub's side. */
  readonly until: (what: string, holds: (state: State) => boolean, ms?: number) => Promise<State>;
}

export type State = Awaited<ReturnType<GitHub['state']>>;

/** Makes it: `alice` may write, `reader` may read, `stranger` may look. The App is not started. Every request
 * of the App is held against GitHub's own document; what that has against one fails the test that disposes of this. */
export async function makeAppWorld(
  project: ProjectSpec,
  options: Partial<RepositoryOptions> & {
    readonly environment?: Readonly<Record<string, string>>;
    /** What installations grant; default: what choo needs. */
    readonly permissions?: Readonly<Record<string, 'read' | 'write'>>;
    /** Repositories beside {@link REPO}. */
    readonly others?: readonly RepositoryOptions[];
  } = {},
): Promise<AppWorld> {
  await using stack = new AsyncDisposableStack();
  const { environment = {}, others = [], permissions, ...repository } = options;
  const place = stack.use(await temporaryDirectory());
  const github = stack.use(
    await startGitHub({
      onRequest: createRequestCheck(),
      ...(permissions !== undefined && { app: { permissions } }),
      users: [
        { login: 'team' },
        { login: 'alice' },
        { login: 'reader' },
        { login: 'stranger' },
        { login: 'mallory' },
        { login: 'alice[bot]', type: 'Bot' },
      ],
      repositories: [
        {
          owner: 'team',
          name: 'widgets',
          files: projectFiles(project),
          collaborators: { alice: 'write', reader: 'read' },
          ...repository,
        },
        ...others,
      ],
    }),
  );
  const dataDirectory = join(place.path, 'data');
  await copyDatabase(dataDirectory, 'choo');
  const server = stack.use(
    makeServer({
      cwd: place.path,
      dataDirectory,
      environment: {
        ...github.environment,
        CHOO_WRITE_PAUSE_MS: '0',
        CHOO_SETTLE_SECONDS: '0',
        ...environment,
      },
    }),
  );
  const kept = stack.move();
  let newest: ServerProcess | undefined;
  const deliver = (): void => github.deliverTo(`http://127.0.0.1:${newest?.port}/api/github/webhooks`);
  return {
    github,
    server,
    dataDirectory,
    start: async (more = {}) => {
      const process = await server.serve({ environment: more });
      newest = process;
      deliver();
      return process;
    },
    deliver,
    kill: async () => {
      newest?.child.kill('SIGKILL');
      await newest?.child;
    },
    push: async (login, branch, files, { from = 'main', repo = REPO } = {}) => {
      const clone = join(place.path, 'clones', repo);
      await mkdir(clone, { recursive: true });
      const remote = github.remote(repo, login);
      await git(clone, 'init', '--quiet');
      await git(clone, 'fetch', '--quiet', remote, '+refs/heads/*:refs/remotes/origin/*');
      const start = await git(clone, 'rev-parse', '--verify', `refs/remotes/origin/${branch}`).catch(() =>
        git(clone, 'rev-parse', '--verify', `refs/remotes/origin/${from}`),
      );
      await git(clone, 'checkout', '--quiet', '--detach', '--force', start);
      await writeFiles(clone, files);
      await git(clone, 'add', '--all');
      await git(clone, 'commit', '--quiet', '--allow-empty', '--message=change');
      await git(clone, 'push', '--quiet', remote, `HEAD:refs/heads/${branch}`);
      return git(clone, 'rev-parse', 'HEAD');
    },
    git: async (...args) => git(github.bare(REPO), ...args),
    until: untilOf(github, REPO),
    [Symbol.asyncDispose]: async () => {
      const { violations } = github;
      await kept.disposeAsync();
      if (violations.length > 0)
        throw new Error(`GitHub's own document has something against these:\n${violations.join('\n')}`);
    },
  };
}

/** Makes the `until` of one repository. */
export function untilOf(github: GitHub, repo: string): AppWorld['until'] {
  return async (what, holds, ms = 60_000) => {
    const end = performance.now() + ms;
    for (;;) {
      const { length } = github.requests;
      const state = await github.state(repo);
      if (holds(state)) return state;
      if (performance.now() > end)
        throw new Error(`${what} did not come: ${JSON.stringify(outline(state), null, 1)}`);
      await nextRequest(github, repo, length);
    }
  };
}

/**
 * Waits for a request about a repository, after the first `count` of all, for half a second at most: to look at GitHub's
 * state starts a git.
 */
export async function nextRequest({ requests }: GitHub, repo: string, count: number): Promise<void> {
  const end = performance.now() + 500;
  const isAbout = ({ path }: GitHub['requests'][number]): boolean =>
    path === '/graphql' || path.includes(`/${repo}/`) || path.includes(`/${repo}.git`);
  do await sleep(100);
  while (performance.now() < end && !requests.slice(count).some(isAbout));
}

/** What of a state says how far things are. */
function outline({ refs, pulls, comments, checks, reactions }: State): object {
  return {
    refs,
    pulls: pulls.map(({ number, state, draft, head, base, title }) => ({
      number,
      state,
      draft,
      head,
      base,
      title,
    })),
    comments: comments.map(({ id, issue, user, body }) => ({ id, issue, user, body: body.slice(0, 300) })),
    checks: checks.map(({ name, head_sha, status, conclusion, output }) => ({
      name,
      head_sha,
      status,
      conclusion,
      title: output.title,
    })),
    reactions,
  };
}
