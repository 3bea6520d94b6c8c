import type { Config } from '../config/schema.ts';
import { DEFAULT_CONFIG, PROVIDER_NAMES } from '../config/schema.ts';
import { DiscoveryCache } from '../discovery/discovery-cache.ts';
import { marker } from '../github/marker.ts';
import { renderPlanCheck } from '../github/plan-check.ts';
import { renderConfigIssue, renderPlanComment } from '../github/plan-comment.ts';
import { noteRepository } from '../store/github-repositories.ts';
import { type Policy, type Reading, readPlan } from './reading.ts';
import type { HandlerServices, OpenRepository } from './services.ts';

/** What the check of a plan is called, and what it is found by. */
export const PLAN_CHECK = 'choo / plan';

/** How many repositories' last readings are kept in mind. */
const KEPT = 20;

/** Plans commits and shows the plans. Holds what it read last, so that planning again costs what changed. */
export class Planner {
  readonly #services: HandlerServices;
  readonly #caches = new Map<string, DiscoveryCache>();

  constructor(services: HandlerServices) {
    this.#services = services;
  }

  async read(
    repository: OpenRepository,
    { commit, target }: { readonly commit: string; readonly target: string },
  ): Promise<Reading> {
    const { id } = repository.known;
    const cache = this.#caches.get(id) ?? new DiscoveryCache();
    this.#caches.delete(id);
    this.#caches.set(id, cache);
    for (const oldest of [...this.#caches.keys()].slice(0, -KEPT)) this.#caches.delete(oldest);
    using place = await repository.place();
    return await readPlan(repository, place, { commit, target, cache }, this.#services);
  }

  /** The check `choo / plan` on the commit. `anew`: its buttons shall work again. */
  async post(
    repository: OpenRepository,
    reading: Reading,
    { changed, anew = false }: { readonly changed: ReadonlySet<string>; readonly anew?: boolean },
  ): Promise<void> {
    const { plan, commit, policy, keys } = reading;
    await this.#createLabels(repository);
    const { title, summary, text, conclusion, annotations } = renderPlanCheck({
      plan,
      commit,
      configCommit: policy.commit,
      configNote: noteOf(policy),
      keys,
      changed,
    });
    const canRun = conclusion === 'success' && policy.kind === 'holds';
    await repository.checks.upsert(
      planCheckKey(commit),
      {
        name: PLAN_CHECK,
        sha: commit,
        externalId: 'plan',
        conclusion: policy.kind === 'none' ? 'failure' : conclusion,
        title,
        summary: this.#services.redact(summary),
        text: this.#services.redact(text),
        annotations,
        actions: canRun ? [RUN_BUTTON] : [],
      },
      { anew },
    );
  }

  /** The one comment of a pull request that shows its plan. */
  async comment(
    repository: OpenRepository,
    thread: number,
    reading: Reading,
    changed: ReadonlySet<string>,
  ): Promise<void> {
    const { plan, commit } = reading;
    const mark = marker('plan', String(thread));
    const body = renderPlanComment({
      plan,
      commit,
      changed,
      checkUrl: `${repository.url}/commit/${commit}/checks`,
      marker: mark,
    });
    const key = `comment:plan:${thread}`;
    const at = await repository.pr.upsertComment(key, {
      issue: thread,
      body: this.#services.redact(body),
      marker: mark,
    });
    if (at !== undefined) await repository.posts.notePlan(thread, commit, at);
  }

  /** One issue is open while the configuration of the default branch is broken. */
  async reportConfiguration(repository: OpenRepository, policy: Policy): Promise<void> {
    const broken = policy.kind === 'none' ? policy : policy.broken;
    const wanted =
      broken &&
      renderConfigIssue({
        problems: broken.problems,
        commit: broken.commit,
        holds: policy.kind === 'none' ? null : policy.commit,
        marker: marker('configuration', 'issue'),
      });
    await repository.pr.upsertIssue('issue:configuration', wanted);
  }

  async #createLabels({ known, pr }: OpenRepository): Promise<void> {
    if (known.hasLabels) return;
    const providers = this.#services.policy.allowedProviders ?? PROVIDER_NAMES;
    await pr.createLabels([
      { name: RUN_LABEL, color: '0e8a16', description: 'choo starts a run, and takes the label off' },
      { name: HOLD_LABEL, color: 'b60205', description: 'choo starts nothing while this is on' },
      ...providers.map((name) => ({
        name: PROVIDER_LABEL + name,
        color: 'c5def5',
        description: `choo asks ${name} where a unit names nobody`,
      })),
    ]);
    await noteRepository(this.#services.database, known.id, { hasLabels: true });
  }
}

export const RUN_LABEL = 'choo:run';
export const HOLD_LABEL = 'choo:hold';
export const PROVIDER_LABEL = 'choo:provider/';

/** The button on a plan's check. */
export const RUN_BUTTON = {
  label: 'Run this plan',
  description: 'Carry out the unfinished units',
  identifier: 'run',
};

/** What the check of a plan is remembered by. */
export function planCheckKey(commit: string): string {
  return `check:${commit}:plan`;
}

/** Where the results of a plan of the default branch go. */
export function targetOf(policy: Policy, branch: string): string {
  return configOf(policy).target_branch ?? branch;
}

export function configOf(policy: Policy): Config {
  return (policy.kind === 'holds' ? policy.configuration.config : undefined) ?? DEFAULT_CONFIG;
}

function noteOf(policy: Policy): string | null {
  if (policy.kind === 'none')
    return 'The configuration on the default branch is broken and there never was a good one: nothing runs until it is mended.';
  if (policy.broken === null) return null;
  return `The configuration on the default branch, at ${policy.broken.commit.slice(0, 12)}, is broken: the last good one holds.`;
}
