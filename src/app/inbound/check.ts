import { ChooError } from '../../errors.ts';
import { isOwnBranch } from '../../git/branches.ts';
import { findAccess } from '../../github/api/access.ts';
import { RESOLVE_BUTTON } from '../../github/commands/boxes.ts';
import type { Delivery } from '../../store/github/deliveries.ts';
import { findReport, findRuns, type Report, requestRefresh } from '../../store/github/reports.ts';
import { saveRequest, isKnownRequest } from '../../store/github/requests.ts';
import { askForUpdates } from '../../store/github/unit-pulls.ts';
import { cancelOpenRun, retryRun } from '../../store/runs/change-run.ts';
import type { CommandResult } from '../commands/command-request.ts';
import { refusingWithheld } from '../commands/refusing.ts';
import { outcomeOf, refuse } from '../commands/run-command.ts';
import { startRun } from '../commands/start-run.ts';
import { findChangedSpecs } from '../planning/changed-specs.ts';
import { type Planner } from '../planning/planner.ts';
import { lateAnswer } from '../planning/thread.ts';
import { type Answer, answer, refusal } from '../repository/answers.ts';
import { PLAN_CHECK, RUN_BUTTON, CANCEL_BUTTON } from '../repository/checks.ts';
import { noteRequest } from '../repository/note-request.ts';
import { type HandlerServices, type OpenRepository, openRepository } from '../repository/open-repository.ts';
import { demandPushes } from '../repository/permissions.ts';
import { checkPayload, suitePayload } from '../repository/payloads.ts';

/** Handles choo's buttons on a check run, and GitHub's “Re-run”. */
export async function handleCheckRun(
  { payload, sentAt }: Delivery,
  planner: Planner,
  services: HandlerServices,
): Promise<void> {
  const { action } = checkPayload.pick({ action: true }).parse(payload);
  if (action !== 'requested_action' && action !== 'rerequested') return;
  const event = checkPayload.parse(payload);
  const { check_run: check, sender, requested_action: button } = event;
  if (check.app?.id !== services.github.appId) return;
  const repository = await openRepository(event, services);
  const { known, octokit } = repository;
  // The check is completed again before the button can be pressed again, so each press has its own source.
  const source = `check ${check.id} ${action} ${button?.identifier ?? ''} ${check.completed_at ?? ''}`;
  if (await isKnownRequest(services.database, source)) return;
  const access = await findAccess(octokit, known, sender, services.policy.bots);
  const unit = unitOf(check.external_id);
  let thread = check.pull_requests?.[0]?.number;
  let text: Answer | undefined;
  let started = false;
  // A payload does not say when a button was pressed; GitHub's list of deliveries does.
  const late = sentAt === null ? undefined : lateAnswer(sentAt, services.now());
  if (!access.allowed) text = refusal('Nothing was done', { message: access.reason });
  else if (late !== undefined) {
    await note('refused', late);
    return reply(late, `${source} late`); // not stored: it may be pressed again
  } else if (unit !== undefined)
    text = button?.identifier === RESOLVE_BUTTON ? await resolve(unit) : await retry(unit);
  else if (check.name === PLAN_CHECK && action === 'rerequested')
    await replan(check.head_sha, repository, planner, services);
  else if (check.name === PLAN_CHECK && button?.identifier === RUN_BUTTON.identifier) {
    const result = await refusingWithheld(run);
    text = result.text;
    started = result.kind === 'started';
  } else if (button?.identifier === CANCEL_BUTTON.identifier) await cancel();
  if (text !== undefined) await reply(text);
  await note(started ? 'started' : text === undefined ? 'done' : 'refused', text);
  await saveRequest(services.database, known.id, source);

  async function note(outcome: CommandResult['kind'], reason?: string): Promise<void> {
    const request = `button ${button?.identifier ?? 're-run'}`;
    const asked = { actor: sender, request, thread: thread ?? null, outcome, reason, source };
    await noteRequest(repository, asked, services);
  }

  async function run(): Promise<CommandResult> {
    const pull = check.pull_requests?.[0];
    const branch = pull?.head.ref ?? check.check_suite?.head_branch ?? undefined;
    if (branch === undefined || isOwnBranch(branch)) return { kind: 'done' };
    using remote = await repository.openRemote();
    await remote.branches.fetch(services.signal);
    const live = await remote.branches.fetchedHead(branch);
    if (live !== check.head_sha) {
      await replan(check.head_sha, repository, planner, services);
      return refuse(
        `the plan is of ${check.head_sha.slice(0, 12)}, and \`${branch}\` is at ${live?.slice(0, 12) ?? 'nothing'} now`,
      );
    }
    const started = await startRun(
      {
        repository,
        source: `${source} run`,
        actor: sender,
        at: { commit: check.head_sha, target: branch },
        thread: thread ?? null,
        isPull: thread !== undefined,
      },
      planner,
      services,
    );
    return outcomeOf(started);
  }

  async function retry({ target, id }: CheckedUnit): Promise<Answer | undefined> {
    const [report] = await findRuns(services.database, { repository: known.id, target, unit: id });
    if (report === undefined) return undefined;
    thread ??= report.thread ?? undefined;
    try {
      const changed = await findChangedSpecs(repository, { report, units: [id] }, planner, services);
      // When a button was pressed, and before which plan, is not known: so it starts no other run.
      if (changed !== undefined)
        return refusal('Nothing was done', { ...changed, hint: runHint(report, id) });
      await demandPushes(services, known.installation);
      await retryRun(services.runStore, { run: report.run, units: [id], actor: sender.login });
      return undefined;
    } catch (error) {
      if (!(error instanceof ChooError) || error.code === 'internal') throw error;
      return refusal('Nothing was done', error);
    }
  }

  async function resolve({ target, id }: CheckedUnit): Promise<Answer | undefined> {
    const asked = { repository: known.id, target, units: [id], resolve: true };
    if ((await askForUpdates(services.database, asked)) === 0)
      return refusal('Nothing was done', { message: `\`${id}\` has no open pull request` });
    await requestRefresh(services.database, asked);
    return undefined;
  }

  async function cancel(): Promise<void> {
    const report = await findReport(services.database, runOf(check.external_id) ?? '');
    if (report?.repository !== known.id) return;
    await cancelOpenRun(services.runStore, { run: report.run, actor: sender.login });
  }

  /** Replies on the run's thread, or else in the check whose button was pressed. */
  async function reply(text: Answer, key = source): Promise<void> {
    if (thread !== undefined) return answer(repository, { thread, key, text }, services);
    const output = { title: 'Nothing was done', summary: services.redact(text) };
    const remote = { owner: known.owner, repo: known.name };
    await octokit.rest.checks.update({ ...remote, check_run_id: check.id, output });
  }
}

/** Handles GitHub's “Re-run all checks”: plans the commit again. */
export async function handleCheckSuite(
  { payload }: Delivery,
  planner: Planner,
  services: HandlerServices,
): Promise<void> {
  const { action } = suitePayload.pick({ action: true }).parse(payload);
  if (action !== 'rerequested') return;
  const event = suitePayload.parse(payload);
  if (event.check_suite.app?.id !== services.github.appId) return;
  const repository = await openRepository(event, services);
  await replan(event.check_suite.head_sha, repository, planner, services);
}

async function replan(
  commit: string,
  repository: OpenRepository,
  planner: Planner,
  services: Pick<HandlerServices, 'signal'>,
): Promise<void> {
  using remote = await repository.openRemote();
  await remote.branches.fetch(services.signal);
  const [there] = await remote.repository.reader.info([commit]);
  if (there === undefined) return;
  const reading = await planner.read(repository, { commit, target: repository.known.defaultBranch });
  await planner.post(repository, reading, { always: true });
}

interface CheckedUnit {
  readonly target: string;
  readonly id: string;
}

function runHint({ thread }: Report, unit: string): string {
  return `\`/choo retry ${unit}\`${thread === null ? '' : ` on #${thread}`} runs what is there`;
}

function runOf(externalId: string | null | undefined): string | undefined {
  return /^run\/([0-9a-z]{10})$/.exec(externalId ?? '')?.[1];
}

function unitOf(externalId: string | null | undefined): CheckedUnit | undefined {
  const match = /^unit\/(.+)\/([^/]+)$/.exec(externalId ?? '');
  return match?.[1] === undefined || match[2] === undefined ? undefined : { target: match[1], id: match[2] };
}
