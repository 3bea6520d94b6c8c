import type { RedCheck } from '../../events/review-request.ts';
import type { Sender } from '../../github/api/access.ts';
import { requestRefresh } from '../../store/github/reports.ts';
import { listRoundsOfPull, saveRound } from '../../store/github/review-rounds.ts';
import { newRunId } from '../../orchestrator/run-start.ts';
import { cut } from '../../text/cut.ts';
import type { HandlerServices, OpenRepository } from '../repository/open-repository.ts';
import { freezeThreads } from './freeze-round.ts';

/** UTF-16 code units of the words of a request that are stored. */
const MAX_WORDS = 20_000;

/** A request for a round. The actor's permission was checked. */
export interface RoundRequest {
  readonly repository: OpenRepository;
  /** The unit whose pull request it is on. */
  readonly unit: { readonly target: string; readonly unit: string };
  readonly pull: number;
  readonly source: string;
  readonly actor: Sender;
  readonly kind: 'review' | 'fix' | 'ci';
  /** Of the review, or behind the command. */
  readonly words: string;
}

/**
 * Freezes what a review or a command asks for, and has it started as soon as nothing else works on the unit. `nothing`: there is
 * nothing to work on.
 */
export async function requestRound(
  { repository, unit, pull, source, actor, kind, words }: RoundRequest,
  services: HandlerServices,
): Promise<'saved' | 'nothing'> {
  const { database } = services;
  const { known, octokit, reviews } = repository;
  const at = { owner: known.owner, repo: known.name, pull_number: pull };
  const head = (await octokit.rest.pulls.get(at)).data.head.sha;
  const checks = kind === 'ci' ? (await reviews.listRedChecks(head)).map(describeCheck) : [];
  const { threads, leftOut } =
    kind === 'ci' ? { threads: [], leftOut: 0 } : await freezeThreads(repository, pull, services);
  const isPostponed = (await listRoundsOfPull(database, known.id, pull)).some(
    ({ state }) => state === 'postponed',
  );
  const isEmpty = words.trim() === '' && threads.length === 0 && checks.length === 0;
  if (isEmpty && (kind !== 'fix' || !isPostponed)) return 'nothing';
  await saveRound(database, {
    id: newRunId(),
    repository: known.id,
    ...unit,
    pull,
    source,
    kind,
    head,
    leftOut,
    actorId: actor.id,
    actor: actor.login,
    byBot: actor.type !== 'User',
    content: { words: words.trim() === '' ? null : cut(words, MAX_WORDS), threads, checks },
  });
  await requestRefresh(database, { repository: known.id, ...unit });
  return 'saved';
}

function describeCheck({
  name,
  title,
  summary,
  annotations,
}: Awaited<ReturnType<OpenRepository['reviews']['listRedChecks']>>[number]): RedCheck {
  return {
    name: cut(name, 200),
    summary: cut([title, summary].filter((text) => text !== '').join('\n'), MAX_WORDS),
    annotations: annotations.map(({ path, line, message }) => ({
      path: cut(path, 1_000),
      line,
      message: cut(message, 2_000),
    })),
  };
}
