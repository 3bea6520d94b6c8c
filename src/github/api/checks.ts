import type { Octokit } from '@octokit/rest';
import { messageOf } from '../../errors.ts';
import { statusOf } from './client.ts';
import type { PRClientOptions } from './pr-client.ts';
import { type Posts, upsert } from './upsert.ts';

/** How a check run ended. */
export type Conclusion = 'success' | 'failure' | 'neutral' | 'cancelled' | 'skipped' | 'action_required';

/** The desired content of a check run. */
export interface Check {
  readonly name: string;
  readonly sha: string;
  /** Unique among the App's check runs on that commit. */
  readonly externalId: string;
  /** Null: in progress. */
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

/** Maximum annotations per request. */
const MAX_ANNOTATIONS = 50;

/** Upserts the check runs of a repository; see {@link PRClient}. */
export class CheckClient {
  readonly #octokit: Octokit;
  readonly #place: { readonly owner: string; readonly repo: string };
  readonly #appId: number;
  readonly #posts: Posts;
  /** GitHub said that the App may not write checks. */
  #isWithheld = false;

  constructor({ octokit, owner, name, appId, posts }: PRClientOptions) {
    this.#octokit = octokit;
    this.#place = { owner, repo: name };
    this.#appId = appId;
    this.#posts = posts;
  }

  /**
   * Upserts one check of a name on a commit. `always`: completes it again even when it is unchanged, so that its buttons
   * work again. Where the App may not write checks, the first call throws GitHub's refusal and the others do nothing: it is
   * said once.
   */
  async upsert(key: string, check: Check, options: { readonly always?: boolean } = {}): Promise<void> {
    if (this.#isWithheld) return;
    try {
      await this.#upsert(key, check, options);
    } catch (error) {
      this.#isWithheld = statusOf(error) === 403 && /not accessible by integration/i.test(messageOf(error));
      throw error;
    }
  }

  async #upsert(key: string, check: Check, { always = false }: { readonly always?: boolean }): Promise<void> {
    await upsert(
      this.#posts,
      { key, content: check, always },
      {
        find: async () => this.#find(check),
        create: async () => this.#create(check),
        update: async (id) => {
          // GitHub only adds annotations and never removes any.
          const { data } = await this.#octokit.rest.checks.update({
            ...this.#place,
            check_run_id: id,
            ...stateOf(check),
            output: outputOf(check),
          });
          return data;
        },
      },
    );
  }

  /**
   * Adds annotations to a check that was upserted, each list once: GitHub keeps those that are there. At most
   * {@link MAX_ANNOTATIONS}.
   */
  async annotate(key: string, check: Check, annotations: readonly Annotation[]): Promise<void> {
    const id = await this.idOf(key);
    if (this.#isWithheld || id === undefined) return;
    const add = async (): Promise<{ readonly id: number }> => {
      const { data } = await this.#octokit.rest.checks.update({
        ...this.#place,
        check_run_id: id,
        output: { ...outputOf(check), annotations: annotations.map((each) => ({ ...each })) },
      });
      return data;
    };
    await upsert(
      this.#posts,
      { key: `annotations:${key}`, content: annotations },
      { find: async () => null, create: add, update: add },
    );
  }

  async #create(check: Check): Promise<{ readonly id: number }> {
    const { name, sha, externalId, annotations = [] } = check;
    const output = (from: number) => ({
      ...outputOf(check),
      annotations: annotations.slice(from, from + MAX_ANNOTATIONS).map((each) => ({ ...each })),
    });
    const { data } = await this.#octokit.rest.checks.create({
      ...this.#place,
      name,
      head_sha: sha,
      external_id: externalId,
      ...stateOf(check),
      output: output(0),
    });
    const { id } = data;
    for (let from = MAX_ANNOTATIONS; from < annotations.length; from += MAX_ANNOTATIONS)
      await this.#octokit.rest.checks.update({ ...this.#place, check_run_id: id, output: output(from) });
    return { id };
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

  /** GitHub's number of a check; undefined when it was never written. */
  async idOf(key: string): Promise<number | undefined> {
    return (await this.#posts.find(key))?.githubId ?? undefined;
  }
}

function outputOf({ title, summary, text }: Check) {
  return { title, summary, ...(text === undefined ? {} : { text }) };
}

/** The check's status or conclusion, with its buttons. */
function stateOf({ conclusion, actions = [] }: Check) {
  return conclusion === null
    ? { status: 'in_progress' as const, actions: [] }
    : {
        status: 'completed' as const,
        conclusion,
        completed_at: new Date().toISOString(),
        actions: [...actions],
      };
}
