import { type Config, CONFIG_FILES } from '../../config/schema.ts';
import { specRoots } from '../../config/spec-sources.ts';
import type { RemoteRepository } from '../../orchestrator/server/remote-repositories.ts';
import type { EffectiveConfig } from '../../plan-thread/effective-config.ts';
import {
  findReviewStarts,
  forgetReviewStarts,
  saveReviewStart,
} from '../../store/github/required-reviews.ts';
import type { HandlerServices, OpenRepository } from '../repository/open-repository.ts';
import { permits } from '../repository/permissions.ts';
import { findDoubt, listOpenPulls } from './approved-pull.ts';
import { configOf, findMergeBase } from './commit-plan.ts';
import { findLineFault, type LineContext } from './reviewed-line.ts';

/** The specs of a run: a commit, and the branch that has it and gets the results. */
interface RunSpecs {
  readonly commit: string;
  readonly target: string;
  readonly policy: Extract<EffectiveConfig, { kind: 'holds' }>;
}

/** Why nothing runs, in clauses. */
interface Unreviewed {
  readonly reason: string;
  readonly hint: string;
}

/**
 * Finds why specs may not be run in a repository with `require_review`. Undefined: they may. They and the configuration must be
 * on their branch by approved pull requests, or be the head of an open one that is approved now. A configuration that no longer
 * asks for that counts only when it came that way, too. Fetches from GitHub.
 */
export async function findUnreviewed(
  { commit, target, policy }: RunSpecs,
  repository: OpenRepository,
  remote: RemoteRepository,
  services: Pick<HandlerServices, 'database' | 'github' | 'policy' | 'signal'>,
): Promise<Unreviewed | undefined> {
  const { database } = services;
  const { id, defaultBranch } = repository.known;
  const config = configOf(policy);
  const starts = await findReviewStarts(database, id);
  if (!config.require_review && starts.size === 0) return undefined;

  if (!(await permits(services, repository.known.installation, ['pull_requests', 'read'])))
    return {
      reason: `${NEEDED}, and this installation does not let choo read pull requests`,
      hint: 'grant the App the permission for pull requests',
    };

  // 1. The configuration: it says whether reviews are needed, and where the specs are.
  const main = config.target_branch ?? defaultBranch;
  const context = { repository, remote, targets: new Set([defaultBranch, main]), services };
  const since = await presentStart(starts.get(defaultBranch), remote);
  const ofConfig = await findLineFault(
    { branch: defaultBranch, since, commit: policy.commit, paths: CONFIG_FILES, strict: false },
    context,
  );
  if (!config.require_review) {
    if (ofConfig !== undefined)
      return {
        reason: `the configuration does not ask for \`require_review\` any more, but nobody reviewed that: ${ofConfig}`,
        hint: BACK,
      };
    await forgetReviewStarts(database, id);
    return undefined;
  }
  if (ofConfig !== undefined) return { reason: `${NEEDED}: for the configuration, ${ofConfig}`, hint: BACK };
  if (!starts.has(main)) {
    const head = await remote.branches.fetchedHead(main);
    if (head !== undefined) await saveReviewStart(database, id, { branch: main, commit: head });
  }

  // 2. The specs: of an open pull request, or of the branch.
  const own = await remote.ask('readConfig', { commit, directory: '' }, services.signal);
  const specs = { ...context, starts: await findReviewStarts(database, id), paths: pathsOf(config, own) };
  const pulls = target === defaultBranch ? [] : await listOpenPulls(repository, { branch: target, commit });
  let ofPull: string | undefined;
  for (const pull of pulls) {
    const doubt = await findDoubt(pull, repository, services);
    const base = await findMergeBase(remote, pull.base.ref, commit, services);
    const ofBase =
      base === undefined
        ? `pull request ${pull.number} has no history in common with \`${pull.base.ref}\``
        : await findSpecsFault({ branch: pull.base.ref, commit: base, strict: false }, specs);
    if (doubt === undefined && ofBase === undefined) return undefined;
    ofPull ??= doubt ?? ofBase;
  }
  if (ofPull !== undefined && target !== main)
    return { reason: `${NEEDED}: ${ofPull}`, hint: 'ask again once somebody else has approved it' };
  const fault = await findSpecsFault({ branch: target, commit, strict: true }, specs);
  return fault === undefined ? undefined : { reason: `${NEEDED}: ${fault}`, hint: BACK };
}

const NEEDED = 'with `require_review` this repository runs only specs that an approved pull request brought';
const BACK = 'take that back, and bring it by a pull request that somebody else approves';

/**
 * What has to be reviewed: every directory that may have been read. Of other tools' task lists the configuration at the commit says
 * which are read, and with which gate.
 */
function pathsOf(policy: Config, own: Config): readonly string[] {
  const roots = new Set([...specRoots(policy), ...specRoots(own)]);
  return own.specs.length === 0 ? [...roots] : [...roots, ...CONFIG_FILES];
}

interface SpecsContext extends LineContext {
  readonly starts: ReadonlyMap<string, string>;
  readonly paths: readonly string[];
}

/** Why the specs of a branch are not reviewed. What a branch has from the default branch is judged there. */
async function findSpecsFault(
  { branch, commit, strict }: { readonly branch: string; readonly commit: string; readonly strict: boolean },
  context: SpecsContext,
): Promise<string | undefined> {
  const { repository, remote, starts, paths, services } = context;
  const { defaultBranch } = repository.known;
  const line = { branch, commit, strict, paths };
  const start = starts.get(branch);
  if (start !== undefined || branch === defaultBranch)
    return findLineFault({ ...line, since: await presentStart(start, remote) }, context);
  const base = await findMergeBase(remote, defaultBranch, commit, services);
  const below =
    base && (await findSpecsFault({ branch: defaultBranch, commit: base, strict: false }, context));
  return below ?? findLineFault({ ...line, since: base }, context);
}

/** A start, unless the history was rewritten and it is gone. */
async function presentStart(
  start: string | undefined,
  { repository: { reader } }: RemoteRepository,
): Promise<string | undefined> {
  const [info] = start === undefined ? [] : await reader.info([start]);
  return info === undefined ? undefined : start;
}
