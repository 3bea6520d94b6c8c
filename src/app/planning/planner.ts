import { PROVIDER_NAMES } from '../../config/schema.ts';
import { marker } from '../../github/api/marker.ts';
import { grantedBy } from '../../github/api/missing-permission.ts';
import { renderConfigIssue } from '../../github/render/plan-comment.ts';
import type { PlanCommitInput } from '../../plan-thread/plan-commit.ts';
import type { EffectiveConfig } from '../../plan-thread/effective-config.ts';
import { updateRepository } from '../../store/github/github-repositories.ts';
import { PLAN_CHECK, RUN_BUTTON, planCheckKey } from '../repository/checks.ts';
import { type Answer, sentence } from '../repository/answers.ts';
import { permits } from '../repository/permissions.ts';
import { RUN_LABEL, HOLD_LABEL, PROVIDER_LABEL } from '../repository/labels.ts';
import type { HandlerServices, OpenRepository } from '../repository/open-repository.ts';
import { configOf, type CommitPlan, readPlan, readPolicy } from './commit-plan.ts';

/** A commit to plan, with what the caller has already read. */
export interface PlanRequest extends Pick<PlanCommitInput, 'commit' | 'target' | 'planned'> {
  readonly policy?: EffectiveConfig;
  /** The directories of the changed units. */
  readonly changed?: ReadonlySet<string>;
  /** Whether the configuration changes, too. */
  readonly changesConfig?: boolean;
  /** The pull request whose comment shows the plan. */
  readonly thread?: number;
}

/** Plans commits and shows the plans. */
export class Planner {
  readonly #services: HandlerServices;

  constructor(services: HandlerServices) {
    this.#services = services;
  }

  async read(repository: OpenRepository, wanted: PlanRequest): Promise<CommitPlan> {
    const { commit, target, planned, changed = new Set<string>(), changesConfig = false, thread } = wanted;
    using remote = await repository.openRemote();
    const policy = wanted.policy ?? (await readPolicy(repository, remote, this.#services));
    const comment =
      thread === undefined
        ? null
        : {
            checkUrl: (await permits(this.#services, repository.known.installation, ['checks', 'write']))
              ? `${repository.url}/commit/${commit}/checks`
              : null,
            marker: planMarker(thread),
            isOfAll: wanted.changed === undefined,
          };
    const plan = await readPlan(
      repository,
      remote,
      { commit, target, policy, planned, changed, changesConfig, comment },
      this.#services,
    );
    const { owner, name } = repository.known;
    const { runnable, errors } = plan;
    this.#services.story({ repository: `${owner}/${name}`, target, commit, runnable, errors }, 'planned');
    return plan;
  }

  /**
   * Writes the check `choo / plan` on the commit, where the App may write checks. `always`: even when it is unchanged, so that its
   * buttons work again. `note`: said above the plan.
   */
  async post(
    repository: OpenRepository,
    { check, commit, policy }: CommitPlan,
    { always = false, note }: { readonly always?: boolean; readonly note?: Answer | undefined } = {},
  ): Promise<void> {
    const { installation } = repository.known;
    const may = async (name: string): Promise<boolean> =>
      permits(this.#services, installation, [name, 'write']);
    // Either is enough for labels.
    if ((await may('issues')) || (await may('pull_requests'))) await this.#createLabels(repository);
    if (!(await may('checks'))) return;
    const { title, summary, text, conclusion, annotations } = check;
    const canRun = conclusion === 'success' && policy.kind === 'holds';
    await repository.checks.upsert(
      planCheckKey(commit),
      {
        name: PLAN_CHECK,
        sha: commit,
        externalId: 'plan',
        conclusion: policy.kind === 'none' ? 'failure' : conclusion,
        title,
        summary: this.#services.redact(note === undefined ? summary : `${note}\n\n${summary}`),
        text: this.#services.redact(text),
        annotations,
        actions: canRun ? [RUN_BUTTON] : [],
      },
      { always },
    );
  }

  /** Creates or updates a pull request's plan comment. The plan must have been made for that thread. */
  async comment(repository: OpenRepository, thread: number, { commit, comment }: CommitPlan): Promise<void> {
    if (comment === null) return;
    const at = await repository.pr.upsertComment(`comment:plan:${thread}`, {
      issue: thread,
      body: this.#services.redact(comment),
      marker: planMarker(thread),
    });
    if (at !== undefined) await repository.posts.savePlanShown(thread, commit, at);
  }

  /** Keeps one issue open while the configuration of the default branch is broken. Returns why it could not. */
  async reportConfiguration(
    repository: OpenRepository,
    policy: EffectiveConfig,
  ): Promise<Answer | undefined> {
    const broken = policy.kind === 'none' ? policy : policy.broken;
    const wanted =
      broken &&
      renderConfigIssue({
        problems: broken.problems,
        commit: broken.commit,
        holds: policy.kind === 'none' ? null : policy.commit,
        marker: marker('configuration', 'issue'),
      });
    if (await permits(this.#services, repository.known.installation, ['issues', 'write'])) {
      await repository.pr.upsertIssue('issue:configuration', wanted);
      return undefined;
    }
    return wanted === null
      ? undefined
      : sentence(`no issue was opened about this; ${grantedBy('issues=write')}`);
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
    await updateRepository(this.#services.database, known.id, { hasLabels: true });
  }
}

/** The target of a run of the default branch. */
export function targetOf(policy: EffectiveConfig, branch: string): string {
  return configOf(policy).target_branch ?? branch;
}

function planMarker(thread: number): string {
  return marker('plan', String(thread));
}
