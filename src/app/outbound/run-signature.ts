import type { Signature } from '../../git/objects/commit.ts';
import type { SignedRun } from '../../orchestrator/server/server-unit.ts';
import { findRepositoryById } from '../../store/github/github-repositories.ts';
import { findReport } from '../../store/github/reports.ts';
import type { CommitSignatures } from '../repository/commit-signatures.ts';
import type { HandlerServices } from '../repository/open-repository.ts';

/**
 * The signature of a run's commits, with the person who asked for the run on GitHub as co-author. Undefined when the repository is
 * not one of the App's, or the App's bot is not known.
 */
export async function findRunSignature(
  { run, repository, actor }: SignedRun,
  { database, signatures }: Pick<HandlerServices, 'database'> & { readonly signatures: CommitSignatures },
): Promise<Signature | undefined> {
  const known = await findRepositoryById(database, repository);
  if (known === undefined) return undefined;
  const report = await findReport(database, run);
  // Only people have a number there; their name was in the same signed delivery.
  const id = report?.actorId ?? null;
  const requester = id === null || actor === null ? undefined : { login: actor, id };
  return signatures.find(known.installation, requester);
}
