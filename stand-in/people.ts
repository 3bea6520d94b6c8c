import { answerGraphql } from './graphql.ts';
import { pushAs, type PersonsCommit } from './people-pushes.ts';
import type { MergeMethod } from './pulls/methods.ts';
import { answer } from './router.ts';
import { ROUTES } from './routes/all.ts';
import { raiseRun } from './routes/checks.ts';
import { repositoryNamed, userNamed, type Actor, type Json, type Repository, type World } from './world.ts';

interface NewPull {
  readonly head: string;
  readonly base: string;
  readonly title: string;
  readonly body?: string;
  readonly draft?: boolean;
  /** Whether the head is a branch of this person's fork. */
  readonly fromFork?: boolean;
}

/** Actions of a person on GitHub's pages. They use the routes of the API without faults and logs. A refusal throws. */
export interface Person {
  readonly createIssue: (
    repo: string,
    issue: { readonly title: string; readonly body?: string; readonly labels?: readonly string[] },
  ) => Promise<number>;
  readonly comment: (repo: string, number: number, body: string) => Promise<number>;
  readonly editComment: (repo: string, comment: number, body: string) => Promise<void>;
  /** Submits a review, or leaves it pending. Each comment begins a thread on a line. Returns the review. */
  readonly review: (
    repo: string,
    number: number,
    review: {
      readonly event?: 'APPROVE' | 'REQUEST_CHANGES' | 'COMMENT';
      readonly body?: string;
      readonly comments?: readonly { readonly path: string; readonly line: number; readonly body: string }[];
    },
  ) => Promise<number>;
  readonly dismiss: (repo: string, number: number, review: number, message: string) => Promise<void>;
  /** Comments on a line of a pull request, by itself. Returns the comment. */
  readonly commentLine: (
    repo: string,
    number: number,
    comment: { readonly path: string; readonly line: number; readonly body: string },
  ) => Promise<number>;
  /** Replies in the thread of a comment, by itself. Returns the reply. */
  readonly reply: (repo: string, number: number, comment: number, body: string) => Promise<number>;
  /** Resolves a thread, by its node id. */
  readonly resolve: (thread: string) => Promise<void>;
  readonly deleteComment: (repo: string, comment: number) => Promise<void>;
  readonly react: (repo: string, comment: number, content: string) => Promise<void>;
  readonly label: (repo: string, number: number, name: string) => Promise<void>;
  readonly unlabel: (repo: string, number: number, name: string) => Promise<void>;
  readonly openPull: (repo: string, pull: NewPull) => Promise<number>;
  /** Edits an issue or a pull request; only a pull request has a base. */
  readonly edit: (
    repo: string,
    number: number,
    to: { readonly title?: string; readonly body?: string; readonly base?: string },
  ) => Promise<void>;
  readonly close: (repo: string, number: number) => Promise<void>;
  readonly reopen: (repo: string, number: number) => Promise<void>;
  /** Returns the new commit. */
  readonly merge: (repo: string, number: number, method?: MergeMethod) => Promise<string>;
  /** Merges a pull request of a stack and all below it. Returns the new tip of the stack's base. */
  readonly mergeStack: (repo: string, number: number, method?: MergeMethod) => Promise<string>;
  /** Makes pull requests, from the bottom to the top, one of GitHub's own stacks. */
  readonly stack: (repo: string, numbers: readonly number[]) => Promise<void>;
  readonly ready: (repo: string, number: number) => Promise<void>;
  readonly convertToDraft: (repo: string, number: number) => Promise<void>;
  /** Presses *Update branch*: a merge of the base by default. */
  readonly updateBranch: (repo: string, number: number, method?: 'merge' | 'rebase') => Promise<void>;
  /** Commits files on a branch and pushes it. Returns the commit. */
  readonly push: (repo: string, branch: string, commit?: PersonsCommit) => Promise<string>;
  /** Deletes a branch on GitHub's pages or, which closes every pull request on it, by the API. */
  readonly deleteBranch: (repo: string, branch: string, how?: 'pages' | 'api') => Promise<void>;
  readonly renameBranch: (repo: string, branch: string, newName: string) => Promise<void>;
  readonly pressButton: (repo: string, checkRun: number, identifier: string) => void;
  readonly rerequestCheck: (repo: string, checkRun: number) => Promise<void>;
  readonly rerequestSuite: (repo: string, suite: number) => Promise<void>;
}

export function actAs(world: World, login: string): Person {
  const user = userNamed(world, login);
  if (user === undefined) throw new Error(`there is no user \`${login}\``);
  const actor: Actor = { kind: 'user', user };
  const repositoryOf = (repo: string): Repository => {
    const found = repositoryNamed(world, repo);
    if (found === undefined) throw new Error(`there is no repository \`${repo}\``);
    return found;
  };
  const request = async (
    method: string,
    path: string,
    { body = {}, onPages = true }: { readonly body?: Json; readonly onPages?: boolean },
  ): Promise<Json> => {
    const reply = await answer(ROUTES, { world, actor, method, path, query: {}, body, accept: '', onPages });
    if (reply === undefined || reply.status >= 400)
      throw new Error(`${login} was refused ${method} ${path}: ${JSON.stringify(reply?.body)}`);
    return (reply.body ?? {}) as Json;
  };
  const call = (method: string, repo: string, path: string, body: Json = {}): Promise<Json> =>
    request(method, `/repos/${repo}${path}`, { body });
  const setDraft = async (repo: string, number: number, mutation: string): Promise<void> => {
    const pull = repositoryOf(repo).issues.find((issue) => issue.number === number)?.pull;
    const query = `mutation { ${mutation}(input: {pullRequestId: "${pull?.nodeId}"}) { clientMutationId } }`;
    const { errors } = (await answerGraphql(world, actor, { query })).body as { errors?: unknown };
    if (errors !== undefined) throw new Error(`${login} was refused ${mutation}: ${JSON.stringify(errors)}`);
  };
  const numberOf = ({ number }: Json): number => Number(number);

  return {
    createIssue: async (repo, issue) => numberOf(await call('POST', repo, '/issues', issue)),
    comment: async (repo, number, body) =>
      Number((await call('POST', repo, `/issues/${number}/comments`, { body }))['id']),
    editComment: async (repo, comment, body) =>
      void (await call('PATCH', repo, `/issues/comments/${comment}`, { body })),
    review: async (repo, number, review) =>
      Number((await call('POST', repo, `/pulls/${number}/reviews`, { ...review }))['id']),
    dismiss: async (repo, number, review, message) =>
      void (await call('PUT', repo, `/pulls/${number}/reviews/${review}/dismissals`, { message })),
    commentLine: async (repo, number, comment) =>
      Number((await call('POST', repo, `/pulls/${number}/comments`, { ...comment }))['id']),
    reply: async (repo, number, comment, body) =>
      Number((await call('POST', repo, `/pulls/${number}/comments/${comment}/replies`, { body }))['id']),
    resolve: async (thread) => {
      const query =
        'mutation ($id: ID!) { resolveReviewThread(input: {threadId: $id}) { clientMutationId } }';
      const { errors } = (await answerGraphql(world, actor, { query, variables: { id: thread } })).body as {
        errors?: unknown;
      };
      if (errors !== undefined) throw new Error(`${login} was refused to resolve: ${JSON.stringify(errors)}`);
    },
    deleteComment: async (repo, comment) => void (await call('DELETE', repo, `/issues/comments/${comment}`)),
    react: async (repo, comment, content) =>
      void (await call('POST', repo, `/issues/comments/${comment}/reactions`, { content })),
    label: async (repo, number, name) =>
      void (await call('POST', repo, `/issues/${number}/labels`, { labels: [name] })),
    unlabel: async (repo, number, name) =>
      void (await call('DELETE', repo, `/issues/${number}/labels/${encodeURIComponent(name)}`)),
    openPull: async (repo, { fromFork = false, head, ...pull }) =>
      numberOf(await call('POST', repo, '/pulls', { ...pull, head: fromFork ? `${login}:${head}` : head })),
    edit: async (repo, number, to) => {
      const { pull } = repositoryOf(repo).issues.find((issue) => issue.number === number) ?? {};
      await call('PATCH', repo, `/${pull === undefined ? 'issues' : 'pulls'}/${number}`, to);
    },
    close: async (repo, number) => void (await call('PATCH', repo, `/issues/${number}`, { state: 'closed' })),
    reopen: async (repo, number) => void (await call('PATCH', repo, `/issues/${number}`, { state: 'open' })),
    merge: async (repo, number, method = 'merge') =>
      String((await call('PUT', repo, `/pulls/${number}/merge`, { merge_method: method }))['sha']),
    mergeStack: async (repo, number, method = 'merge') => {
      const { details } = await call('PUT', repo, `/pulls/${number}/merge-async`, { merge_method: method });
      return String((details as Json)['sha']);
    },
    stack: async (repo, numbers) => void (await call('POST', repo, '/stacks', { pull_requests: numbers })),
    ready: (repo, number) => setDraft(repo, number, 'markPullRequestReadyForReview'),
    convertToDraft: (repo, number) => setDraft(repo, number, 'convertPullRequestToDraft'),
    updateBranch: async (repo, number, method = 'merge') =>
      void (await call('PUT', repo, `/pulls/${number}/update-branch`, { update_method: method })),
    push: (repo, branch, commit = {}) => pushAs({ world, user }, repositoryOf(repo), { branch, ...commit }),
    deleteBranch: async (repo, branch, how = 'pages') =>
      void (await request('DELETE', `/repos/${repo}/git/refs/heads/${branch}`, { onPages: how === 'pages' })),
    renameBranch: async (repo, branch, newName) =>
      void (await call('POST', repo, `/branches/${branch}/rename`, { new_name: newName })),
    pressButton: (repo, checkRun, identifier) => {
      const repository = repositoryOf(repo);
      const run = repository.checks.find(({ id }) => id === checkRun);
      // GitHub shows the buttons of completed runs only.
      if (run?.status !== 'completed' || !run.actions.some((action) => action.identifier === identifier))
        throw new Error(`check run \`${checkRun}\` shows no button \`${identifier}\``);
      raiseRun({ world, repository, actor }, run, 'requested_action', { requested_action: { identifier } });
    },
    rerequestCheck: async (repo, checkRun) =>
      void (await call('POST', repo, `/check-runs/${checkRun}/rerequest`)),
    rerequestSuite: async (repo, suite) =>
      void (await call('POST', repo, `/check-suites/${suite}/rerequest`)),
  };
}
