import { sentence } from './answers.ts';
import type { Asking, Outcome } from './asking.ts';
import type { Planner } from './planning.ts';
import { findMergeBase, findSpecChanges, specsDirOf, unitsIn } from './reading.ts';
import type { HandlerServices } from './services.ts';
import { findThread } from './thread.ts';

/** `/choo plan`: the plan of what is there now, on its check and in the comment that shows it. */
export async function planThread(
  { repository, thread: number, isPull }: Asking,
  planner: Planner,
  services: HandlerServices,
): Promise<Outcome> {
  const found = await findThread(repository, { number, isPull }, services);
  if (found.kind === 'refused') return { kind: 'refused', text: sentence(found.reason) };
  const { live, pull } = found.thread;
  const reading = await planner.read(repository, live);
  using place = await repository.place();
  const before = pull === null ? undefined : await findMergeBase(place, pull.base, live.commit);
  const changes = await findSpecChanges(place, specsDirOf(reading.policy), before, live.commit);
  const changed = pull === null ? new Set<string>() : unitsIn(reading.plan, changes.units);
  await planner.post(repository, reading, { changed });
  await planner.comment(repository, number, reading, changed);
  return { kind: 'done' };
}
