import type { Octokit } from '@octokit/rest';
import { messageOf } from '../../errors.ts';
import { harmlessLine } from '../../text/harmless.ts';
import { statusOf } from './client.ts';
import { type Posts, upsert } from './upsert.ts';

/** A repository, and the App that writes there. */
export interface PRClientOptions {
  readonly octokit: Octokit;
  readonly owner: string;
  readonly name: string;
  readonly appId: number;
  readonly posts: Posts;
}

/** The desired content of a pull request. */
export interface PullRequestContent {
  readonly head: string;
  readonly base: string;
  /** Text from anywhere: GitHub makes the subject of a squash of it, so it is written as a {@link harmlessLine}. */
  readonly title: string;
  readonly body: string;
  readonly draft: boolean;
}

export interface ExistingPull {
  readonly number: number;
  readonly nodeId: string;
  readonly base: string;
  readonly draft: boolean;
  readonly url: string;
  readonly headSha: string;
}

/** The result of opening a pull request. */
export type UpsertedPull =
  | { readonly kind: 'there'; readonly pull: ExistingPull; readonly created: boolean }
  /** No commits between base and head. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * Writes in one repository. Every write is an upsert: done twice, even by two processes or after a crash, it exists once.
 * Unchanged content is not written again and costs no request.
 */
export class PRClient {
  readonly #octokit: Octokit;
  readonly #place: { readonly owner: string; readonly repo: string };
  readonly #appId: number;
  readonly #posts: Posts;

  constructor({ octokit, owner, name, appId, posts }: PRClientOptions) {
    this.#octokit = octokit;
    this.#place = { owner, repo: name };
    this.#appId = appId;
    this.#posts = posts;
  }

  /** Upserts one comment on an issue or pull request. Its body ends in `marker`. Returns GitHub's time of the write, if any. */
  async upsertComment(
    key: string,
    { issue, body, marker }: { readonly issue: number; readonly body: string; readonly marker: string },
  ): Promise<Date | undefined> {
    const written = await upsert(
      this.#posts,
      { key, content: body },
      {
        find: async () => this.#findComment(issue, marker),
        create: async () => {
          const { data } = await this.#octokit.rest.issues.createComment({
            ...this.#place,
            issue_number: issue,
            body,
          });
          return data;
        },
        update: async (id) => {
          const { data } = await this.#octokit.rest.issues.updateComment({
            ...this.#place,
            comment_id: id,
            body,
          });
          return data;
        },
      },
    );
    return written && new Date(written.updated_at);
  }

  async #findComment(issue: number, marker: string): Promise<number | null> {
    const pages = this.#octokit.paginate.iterator(this.#octokit.rest.issues.listComments, {
      ...this.#place,
      issue_number: issue,
      per_page: 100,
    });
    for await (const { data } of pages)
      for (const comment of data)
        if (
          comment.performed_via_github_app?.id === this.#appId &&
          comment.body?.trimEnd().endsWith(marker) === true
        )
          return comment.id;
    return null;
  }

  /** GitHub's number of a comment or check; undefined when it was never written. */
  async idOf(key: string): Promise<number | undefined> {
    return (await this.#posts.find(key))?.githubId ?? undefined;
  }

  /** Finds the open pull request of a branch, or opens one with this title and body. */
  async openPull(
    { head, base, title, body, draft }: PullRequestContent,
    known: boolean,
  ): Promise<UpsertedPull> {
    const found = known ? await this.#findPull(head) : undefined;
    if (found !== undefined) return { kind: 'there', pull: found, created: false };
    try {
      const { data } = await this.#octokit.rest.pulls.create({
        ...this.#place,
        head,
        base,
        title: harmlessLine(title),
        body,
        draft,
      });
      return { kind: 'there', pull: describePull(data), created: true };
    } catch (error) {
      if (statusOf(error) !== 422) throw error;
      const words = messageOf(error);
      if (/already exists/i.test(words)) {
        const pull = await this.#findPull(head);
        if (pull !== undefined) return { kind: 'there', pull, created: false };
      }
      if (/no commits between/i.test(words)) return { kind: 'empty' };
      if (draft && /draft/i.test(words))
        return this.openPull({ head, base, title, body, draft: false }, false);
      return { kind: 'refused', reason: words.slice(0, 300) };
    }
  }

  async #findPull(head: string): Promise<ExistingPull | undefined> {
    const { data } = await this.#octokit.rest.pulls.list({
      ...this.#place,
      head: `${this.#place.owner}:${head}`,
      state: 'open',
      per_page: 10,
    });
    const pull = data.find((each) => each.head.ref === head);
    return pull && describePull(pull);
  }

  async changePull(
    number: number,
    { title, body }: Pick<PullRequestContent, 'title' | 'body'>,
  ): Promise<void> {
    const change = { title: harmlessLine(title), body };
    await this.#octokit.rest.pulls.update({ ...this.#place, pull_number: number, ...change });
  }

  /** Changes the base. In a native stack GitHub rejects even the current one. */
  async changeBase(number: number, base: string): Promise<void> {
    const at = { ...this.#place, pull_number: number };
    try {
      await this.#octokit.rest.pulls.update({ ...at, base });
    } catch (error) {
      if (statusOf(error) !== 422) throw error;
      const { data } = await this.#octokit.rest.pulls.get(at);
      if (data.base.ref !== base) throw error;
    }
  }

  /**
   * Changes the draft state, by GraphQL because REST ignores it. `refused`: as for a closed one. `unsupported`: the repository has
   * no drafts, as private ones on some plans.
   */
  async setDraft(nodeId: string, draft: boolean): Promise<'changed' | 'refused' | 'unsupported'> {
    const mutation = draft ? 'convertPullRequestToDraft' : 'markPullRequestReadyForReview';
    const query = `mutation ($id: ID!) { ${mutation}(input: { pullRequestId: $id }) { pullRequest { isDraft } } }`;
    try {
      await this.#octokit.graphql(query, { id: nodeId });
      return 'changed';
    } catch (error) {
      // GraphQL errors have no status.
      if (!(error instanceof Error) || error.name !== 'GraphqlResponseError') throw error;
      return draft && /\bdraft/i.test(error.message) && /\bnot supported/i.test(error.message)
        ? 'unsupported'
        : 'refused';
    }
  }

  /** Posts a new comment, once per key. */
  async commentOnce(key: string, issue: number, body: string, marker: string): Promise<void> {
    const post = await this.#posts.find(key);
    if (post?.githubId != null) return;
    await this.upsertComment(key, { issue, body, marker });
  }

  /** Adds a reaction to a comment, where GitHub lets the App: it is an ornament. */
  async react(comment: number, content: 'eyes' | 'rocket' | '+1' | 'confused'): Promise<void> {
    try {
      await this.#octokit.rest.reactions.createForIssueComment({
        ...this.#place,
        comment_id: comment,
        content,
      });
    } catch (error) {
      if (statusOf(error) !== 403) throw error;
    }
  }

  async removeLabel(issue: number, name: string): Promise<void> {
    try {
      await this.#octokit.rest.issues.removeLabel({ ...this.#place, issue_number: issue, name });
    } catch (error) {
      if (statusOf(error) !== 404) throw error; // already removed
    }
  }

  /** Creates missing labels. */
  async createLabels(
    labels: readonly { readonly name: string; readonly color: string; readonly description: string }[],
  ): Promise<void> {
    const there = await this.#octokit.paginate(this.#octokit.rest.issues.listLabelsForRepo, {
      ...this.#place,
      per_page: 100,
    });
    const names = new Set(there.map(({ name }) => name.toLowerCase()));
    for (const label of labels) {
      if (names.has(label.name.toLowerCase())) continue;
      try {
        await this.#octokit.rest.issues.createLabel({ ...this.#place, ...label });
      } catch (error) {
        if (statusOf(error) !== 422) throw error; // created meanwhile
      }
    }
  }

  /** Keeps an issue open while something is wrong. Null: nothing is; closes an open one. */
  async upsertIssue(
    key: string,
    wanted: { readonly title: string; readonly body: string } | null,
  ): Promise<void> {
    if (wanted === null && (await this.#posts.find(key)) === undefined) return;
    await upsert(
      this.#posts,
      { key, content: wanted },
      {
        find: async () => this.#findIssue(wanted?.title ?? ''),
        create: async () => {
          if (wanted === null) return undefined;
          const { data } = await this.#octokit.rest.issues.create({ ...this.#place, ...wanted });
          return { id: data.number };
        },
        update: async (id) => {
          const change =
            wanted === null ? { state: 'closed' as const } : { ...wanted, state: 'open' as const };
          const { data } = await this.#octokit.rest.issues.update({
            ...this.#place,
            issue_number: id,
            ...change,
          });
          return { id: data.number };
        },
      },
    );
  }

  async #findIssue(title: string): Promise<number | null> {
    const { data } = await this.#octokit.rest.issues.listForRepo({
      ...this.#place,
      state: 'open',
      per_page: 100,
    });
    const own = data.find(
      (issue) => issue.title === title && issue.performed_via_github_app?.id === this.#appId,
    );
    return own?.number ?? null;
  }
}

function describePull(pull: {
  readonly number: number;
  readonly node_id: string;
  readonly base: { readonly ref: string };
  readonly head: { readonly sha: string };
  readonly draft?: boolean;
  readonly html_url: string;
}): ExistingPull {
  return {
    number: pull.number,
    nodeId: pull.node_id,
    base: pull.base.ref,
    draft: pull.draft === true,
    url: pull.html_url,
    headSha: pull.head.sha,
  };
}
