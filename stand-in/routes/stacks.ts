import { viewStack, stackOf } from '../pulls/stacks.ts';
import { invalid } from '../refusal.ts';
import { created, repositoryRoute, type Reply, type RepositoryCall, type Route } from '../router.ts';
import { raiseIssue } from './issue-events.ts';

/** GitHub's own stacks: only what makes one. */
export const STACK_ROUTES: readonly Route[] = [
  repositoryRoute('POST /stacks', { permission: 'pull_requests' }, (call) =>
    call.repository.alone(() => create(call)),
  ),
];

async function create(call: RepositoryCall): Promise<Reply> {
  const { world, repository, body } = call;
  const numbers = body['pull_requests'] as readonly number[];
  const members = numbers.flatMap(
    (number) => repository.issues.find((issue) => issue.number === number) ?? [],
  );
  const pulls = members.flatMap(({ pull, state }) => (pull === undefined || state !== 'open' ? [] : [pull]));
  const isChain = pulls.every((pull, index) => index === 0 || pull.base.ref === pulls[index - 1]?.head.ref);
  const isFree = members.every((issue) => stackOf(repository, issue) === undefined);
  const [lowest] = pulls;
  if (lowest === undefined || pulls.length < 2 || pulls.length !== numbers.length || !isChain || !isFree)
    throw invalid({ resource: 'Stack', code: 'invalid', field: 'pull_requests' });
  const stack = { id: world.nextId(), number: repository.stacks.length + 1, base: lowest.base.ref, members };
  repository.stacks.push(stack);
  for (const issue of members)
    await raiseIssue(call, issue, 'stacked', { stack: viewStack(repository, issue) });
  return created({ id: stack.id, number: stack.number, base: { ref: stack.base }, open: true });
}
