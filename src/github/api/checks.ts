import type { Octokit } from '@octokit/rest';
import { hashOf, type PRClientOptions, type Posts } from './pr-client.ts';

/** How a check run ended. */
export type Conclusion = 'success' | 'failure' | 'neutral' | 'cancelled' | 'skipped' | 'action_required';

/** A check run as it shall be. */
export interface Check {
  readonly name: string;
  readonly sha: string;
  /** Tells it from every other one of the App on that commit. */
  readonly externalId: string;
  /** Null: it is under way. */
  readonly conclusion: Conclusion | null;
  readonly title: string;
  readonly summary: string;
  readonly text?: string;
  readonly annotations?: readonly Annotation[];
  readonly actions?: readonly CheckAction[];
}

export interface Annotation {
  readonly path: string;
  readonly start_line: number;
  readonly end_line: number;
  readonly start_column?: number;
  readonly end_column?: number;
  readonly annotation_level: 'notice' | 'warning' | 'failure';
  readonly message: string;
  readonly title?: string;
}

/** A button. Label at most 20 characters, description 40, identifier 20. */
interface CheckAction {
  readonly label: string;
  readonly description: string;
  readonly identifier: string;
}

/** Annotations that GitHub takes at once. */
const MOST_ANNOTATIONS = 50;

/** The check runs of a repository. Upserts, as all that choo writes; see {@link PRClient}. */
export class CheckClient {
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

  /**
   * One check of a name on a commit. `anew`: it is completed again though nothing changed, so that its buttons work
   * again.
   */
  async upsert(key: string, check: Check, { anew = false } = {}): Promise<void> {
    const hash = hashOf(check);
    const post = await this.#posts.find(key);
    if (post?.githubId != null && post.hash === hash && !anew) return;
    let id = post?.githubId ?? null;
    if (id === null && post !== undefined) id = await this.#find(check);
    const { name, sha, externalId, conclusion, title, summary, text, annotations = [], actions = [] } = check;
    const output = { title, summary, ...(text === undefined ? {} : { text }) };
    const state =
      conclusion === null
        ? { status: 'in_progress' as const }
        : { status: 'completed' as const, conclusion, completed_at: new Date().toISOString() };
    const buttons = { actions: conclusion === null ? [] : [...actions] };
    if (id === null) {
      await this.#posts.intend(key);
      const { data } = await this.#octokit.rest.checks.create({
        ...this.#place,
        name,
        head_sha: sha,
        external_id: externalId,
        ...state,
        ...buttons,
        output: {
          ...output,
          annotations: annotations.slice(0, MOST_ANNOTATIONS).map((each) => ({ ...each })),
        },
      });
      id = data.id;
      for (let from = MOST_ANNOTATIONS; from < annotations.length; from += MOST_ANNOTATIONS)
        await this.#octokit.rest.checks.update({
          ...this.#place,
          check_run_id: id,
          output: {
            ...output,
            annotations: annotations.slice(from, from + MOST_ANNOTATIONS).map((each) => ({ ...each })),
          },
        });
    } else {
      // Its annotations stay: GitHub adds to them and takes none away.
      await this.#octokit.rest.checks.update({
        ...this.#place,
        check_run_id: id,
        ...state,
        ...buttons,
        output,
      });
    }
    await this.#posts.note(key, id, hash);
  }

  async #find({ name, sha, externalId }: Check): Promise<number | null> {
    const { data } = await this.#octokit.rest.checks.listForRef({
      ...this.#place,
      ref: sha,
      check_name: name,
      app_id: this.#appId,
      filter: 'all',
      per_page: 100,
    });
    return data.check_runs.find((run) => run.external_id === externalId)?.id ?? null;
  }

  /** GitHub's number of a check; undefined: it was never written. */
  async idOf(key: string): Promise<number | undefined> {
    return (await this.#posts.find(key))?.githubId ?? undefined;
  }
}
