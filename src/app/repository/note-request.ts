import { appendAudit } from '../../store/audit/chain.ts';
import { cut } from '../../text/cut.ts';
import type { HandlerServices, OpenRepository } from './open-repository.ts';
import type { Account } from './payloads.ts';

/** What somebody asked for, and what became of it. */
interface NotedRequest {
  readonly actor: Pick<Account, 'id' | 'login'>;
  /** A command of choo's, or what else asks: a label, a button, a box, a review, a push. */
  readonly request: string;
  /** The number of an issue or pull request; null: it was on none. */
  readonly thread: number | null;
  readonly outcome: 'started' | 'done' | 'refused';
  readonly reason?: string | undefined;
  /** Identifies it across repeated deliveries. */
  readonly source: string;
}

/** A longer reason is cut. Characters. */
const MAX_REASON = 300;

/** Notes what somebody asked for, in the log and in the audit. */
export async function noteRequest(
  { known: { owner, name } }: Pick<OpenRepository, 'known'>,
  { actor, request, thread, outcome, reason, source }: NotedRequest,
  { database, story, redact }: Pick<HandlerServices, 'database' | 'story' | 'redact'>,
): Promise<void> {
  const facts = {
    repository: `${owner}/${name}`,
    thread,
    actor: actor.login,
    actorId: actor.id,
    request,
    outcome,
    ...(outcome === 'refused' && reason !== undefined ? { reason: redact(cut(reason, MAX_REASON)) } : {}),
  };
  story(facts, 'request');
  await appendAudit(database, [{ source: `request ${source}`, what: 'request', facts }]);
}
