import type { Delivery } from '../../store/github/deliveries.ts';
import { followBranch } from '../../store/github/follow-branch.ts';
import { type HandlerServices, openRepository } from '../repository/open-repository.ts';
import { deletePayload } from '../repository/payloads.ts';

/** Handles the deletion of a branch: pull requests from it or to it are derived again. */
export async function handleDelete({ payload }: Delivery, services: HandlerServices): Promise<void> {
  const deletion = deletePayload.parse(payload);
  if (deletion.ref_type !== 'branch') return;
  const { known } = await openRepository(deletion, services);
  await followBranch(services.database, known.id, deletion.ref);
}
