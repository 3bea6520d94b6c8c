import { MAX_ANSWERS, type ReviewThread } from '../../events/review-request.ts';
import { findAccess } from '../../github/api/access.ts';
import type { ReadThread, ThreadComment } from '../../github/api/review-client.ts';
import type { RoundContent } from '../../store/database/github-tables.ts';
import { listRoundsOfPull } from '../../store/github/review-rounds.ts';
import { cut } from '../../text/cut.ts';
import type { HandlerServices, OpenRepository } from '../repository/open-repository.ts';

/** UTF-16 code units of one comment that are stored. */
const MAX_COMMENT = 8_000;
const MAX_HUNK = 6_000;
/** Accounts whose permission is asked for one round. */
const MAX_AUTHORS = 50;
/** Reviews whose words are stored for work that starts over: the newest. */
const MAX_REQUESTS = 10;

/** The open threads of a pull request, as they are now. */
export interface FrozenThreads {
  readonly threads: readonly ReviewThread[];
  /** So many more wait for the next round. */
  readonly leftOut: number;
}

/**
 * Reads the threads that a round answers: open, not answered by choo already, and not those of a round that is still to be
 * answered, unless somebody wrote in them since. Of each only what choo wrote and people who may make requests: what a stranger
 * writes is no work.
 */
export async function freezeThreads(
  repository: OpenRepository,
  pull: number,
  services: Pick<HandlerServices, 'database' | 'policy'>,
): Promise<FrozenThreads> {
  const asked = new Map<string, number>();
  for (const { content } of await listRoundsOfPull(services.database, repository.known.id, pull))
    for (const { id, comments } of content.threads)
      asked.set(id, Math.max(asked.get(id) ?? 0, comments.length));
  const all = await readThreads(repository, pull, permissionsIn(repository, services));
  const threads = all.filter(
    ({ thread: { id, comments }, isOpen }) => isOpen && asked.get(id) !== comments.length,
  );
  const leftOut = Math.max(0, threads.length - MAX_ANSWERS);
  return { threads: threads.slice(0, MAX_ANSWERS).map(({ thread }) => thread), leftOut };
}

/**
 * What reviews said of a pull request, for work that starts over: every thread, whatever was answered, and the words of
 * the reviews that request changes, by people who may make requests.
 */
export async function freezeFeedback(
  repository: OpenRepository,
  pull: number,
  services: Pick<HandlerServices, 'policy'>,
): Promise<RoundContent> {
  const mayAsk = permissionsIn(repository, services);
  const threads = await readThreads(repository, pull, mayAsk);
  const words: string[] = [];
  for (const request of await repository.reviews.listRequests(pull))
    if (await mayAsk(request)) words.push(cut(request.body, MAX_COMMENT));
  return {
    words: words.length === 0 ? null : words.slice(-MAX_REQUESTS).join('\n\n'),
    threads: threads.slice(0, MAX_ANSWERS).map(({ thread }) => thread),
    checks: [],
  };
}

type MayAsk = (comment: ThreadComment) => Promise<boolean>;

/** Asks GitHub for the permission of each author once. */
function permissionsIn(
  { octokit, known }: OpenRepository,
  { policy }: Pick<HandlerServices, 'policy'>,
): MayAsk {
  const allowed = new Map<number, boolean>();
  return async ({ author, isOwn }) => {
    if (isOwn) return true;
    if (author === undefined) return false;
    const before = allowed.get(author.id);
    if (before !== undefined || allowed.size >= MAX_AUTHORS) return before === true;
    const access = await findAccess(octokit, known, author, policy.bots);
    allowed.set(author.id, access.allowed);
    return access.allowed;
  };
}

interface WorkThread {
  readonly thread: ReviewThread;
  /** Nobody resolved it, and choo did not write its last comment. */
  readonly isOpen: boolean;
}

/** The threads in which somebody wrote who may make requests. */
async function readThreads(
  { reviews }: OpenRepository,
  pull: number,
  mayAsk: MayAsk,
): Promise<readonly WorkThread[]> {
  const threads: WorkThread[] = [];
  for (const thread of await reviews.listThreads(pull)) {
    const comments: ThreadComment[] = [];
    for (const comment of thread.comments) if (await mayAsk(comment)) comments.push(comment);
    if (comments.every(({ isOwn }) => isOwn)) continue;
    threads.push({
      thread: describe(thread, comments),
      isOpen: !thread.isResolved && comments.at(-1)?.isOwn !== true,
    });
  }
  return threads;
}

function describe({ id, path, line, hunk }: ReadThread, comments: readonly ThreadComment[]): ReviewThread {
  return {
    id,
    path: cut(path, 1_000),
    line,
    hunk: hunk === null ? null : cut(hunk, MAX_HUNK),
    comments: comments.map(({ author, body, isOwn }) => ({
      author: isOwn ? 'choo' : (author?.login ?? ''),
      body: cut(body, MAX_COMMENT),
    })),
  };
}
