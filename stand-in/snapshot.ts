import { refsOf } from './git.ts';
import { commentsOf } from './reviews/views.ts';
import type { CheckRun, Json, Repository } from './world.ts';

/** Where a pull request is. */
interface PullState {
  readonly number: number;
  readonly state: string;
  readonly merged: boolean;
  readonly draft: boolean;
  readonly title: string;
  readonly body: string | null;
  readonly head: { readonly ref: string; readonly sha: string };
  readonly base: { readonly ref: string };
  readonly user: string;
  readonly labels: readonly string[];
  /** Who is asked for a review. */
  readonly assignees: readonly string[];
  readonly requested: readonly string[];
}

interface ReviewShown {
  readonly id: number;
  readonly pull: number;
  readonly user: string;
  readonly state: string;
  readonly body: string;
  readonly commit: string;
}

interface ThreadShown {
  readonly id: string;
  readonly pull: number;
  readonly path: string;
  readonly line: number | null;
  readonly resolvedBy: string | null;
  /** Oldest first; also those of pending reviews. */
  readonly comments: readonly { readonly user: string; readonly body: string; readonly review: number }[];
}

interface IssueState {
  readonly number: number;
  readonly state: string;
  readonly title: string;
  readonly body: string | null;
  readonly user: string;
  readonly labels: readonly string[];
}

interface CommentState {
  readonly id: number;
  readonly issue: number;
  readonly body: string;
  readonly user: string;
  /** The app's slug, if the app is the author. */
  readonly app: string | null;
}

interface CheckState {
  readonly id: number;
  readonly name: string;
  readonly head_sha: string;
  readonly status: string;
  readonly conclusion: string | null;
  readonly external_id: string;
  readonly output: CheckRun['output'];
  readonly annotations: readonly Json[];
  readonly actions: CheckRun['actions'];
}

/** The state of a repository, as plain values. Issues do not include pull requests. */
export interface RepositoryState {
  readonly refs: Readonly<Record<string, string>>;
  readonly pulls: readonly PullState[];
  readonly issues: readonly IssueState[];
  readonly comments: readonly CommentState[];
  readonly reviews: readonly ReviewShown[];
  readonly threads: readonly ThreadShown[];
  readonly checks: readonly CheckState[];
  readonly labels: readonly string[];
  readonly reactions: readonly {
    readonly comment: number;
    readonly content: string;
    readonly user: string;
  }[];
  readonly statuses: readonly { readonly sha: string; readonly context: string; readonly state: string }[];
}

/** Reads the state of a repository, for tests to compare with. */
export async function snapshotOf(repository: Repository, slug: string): Promise<RepositoryState> {
  const { issues } = repository;
  return structuredClone({
    refs: Object.fromEntries(await refsOf(repository.bare)),
    pulls: issues.flatMap(({ pull, number, state, title, body, user, labels, assignees }) =>
      pull === undefined
        ? []
        : [
            {
              number,
              state,
              merged: pull.mergedAt !== null,
              draft: pull.draft,
              title,
              body,
              head: { ref: pull.head.ref, sha: pull.head.sha },
              base: { ref: pull.base.ref },
              user: user.login,
              labels: labels.map(({ name }) => name),
              assignees: assignees.map(({ login }) => login),
              requested: pull.requested.map(({ login }) => login),
            },
          ],
    ),
    issues: issues
      .filter(({ pull }) => pull === undefined)
      .map(({ number, state, title, body, user, labels }) => ({
        number,
        state,
        title,
        body,
        user: user.login,
        labels: labels.map(({ name }) => name),
      })),
    comments: repository.comments.map(({ id, issue, body, user, viaApp }) => ({
      id,
      issue: issue.number,
      body,
      user: user.login,
      app: viaApp ? slug : null,
    })),
    reviews: repository.reviews.map(({ id, issue, user, state, body, commit }) => ({
      ...{ id, state, body, commit },
      ...{ pull: issue.number, user: user.login },
    })),
    threads: repository.threads.map((thread) => ({
      id: thread.nodeId,
      pull: thread.issue.number,
      path: thread.path,
      line: thread.originalLine,
      resolvedBy: thread.resolvedBy?.login ?? null,
      comments: commentsOf(repository, thread).map(({ user, body, review }) => ({
        user: user.login,
        body,
        review: review.id,
      })),
    })),
    checks: repository.checks.map((run) => ({
      id: run.id,
      name: run.name,
      head_sha: run.suite.sha,
      status: run.status,
      conclusion: run.conclusion,
      external_id: run.externalId,
      output: run.output,
      annotations: run.annotations,
      actions: run.actions,
    })),
    labels: repository.labels.map(({ name }) => name),
    reactions: repository.reactions.map(({ comment, content, user }) => ({
      comment,
      content,
      user: user.login,
    })),
    statuses: repository.statuses.map(({ sha, context, state }) => ({ sha, context, state })),
  });
}
