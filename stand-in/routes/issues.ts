import { invalid } from '../refusal.ts';
import {
  created,
  demandRight,
  issueOf,
  ok,
  optionalText,
  page,
  repositoryRoute,
  text,
  type RepositoryCall,
  type Route,
} from '../router.ts';
import { viewIssue, viewUser } from '../views.ts';
import { now, type Issue, type Pull, userNamed } from '../world.ts';
import { changeState } from './change-state.ts';
import { raiseIssue } from './issue-events.ts';
import { addLabels, setLabels } from './labels.ts';

/** The maximum length of the body of an issue, a pull request or a comment. */
const LONGEST_BODY = 65_536;

/** Issues, which include pull requests, as on GitHub. */
export const ISSUE_ROUTES: readonly Route[] = [
  repositoryRoute('GET /issues', { permission: 'issues' }, (call) =>
    page(call, selected(call), (issue) => viewIssue(call.world, call.repository, issue)),
  ),
  repositoryRoute('POST /issues', { permission: 'issues', people: 'read' }, async (call) => {
    const { world, repository, body } = call;
    const issue = addIssue(call, text(body, 'title', 'Issue'), undefined);
    await raiseIssue(call, issue, 'opened');
    await addLabels(call, issue, labelsIn(call));
    return created(viewIssue(world, repository, issue));
  }),
  repositoryRoute('GET /issues/:number', { permission: 'issues|pull_requests' }, (call) =>
    ok(viewIssue(call.world, call.repository, issueOf(call))),
  ),
  repositoryRoute(
    'PATCH /issues/:number',
    { permission: 'issues|pull_requests', people: 'read' },
    async (call) => {
      const { world, repository, body } = call;
      const issue = issueOf(call);
      demandRight(call, issue.user);
      await edit(call, issue);
      if (body['labels'] !== undefined) await setLabels(call, issue, labelsIn(call));
      await changeState(call, issue);
      return ok(viewIssue(world, repository, issue));
    },
  ),
  // Who cannot be assigned is left out without an error.
  repositoryRoute('POST /issues/:number/assignees', { permission: 'issues|pull_requests' }, async (call) => {
    const { world, repository, body } = call;
    const issue = issueOf(call);
    for (const login of (body['assignees'] ?? []) as readonly string[]) {
      const user = userNamed(world, login);
      const isOne = user === repository.owner || repository.collaborators.has(login.toLowerCase());
      if (user === undefined || !isOne || issue.assignees.includes(user)) continue;
      issue.assignees.push(user);
      issue.updatedAt = now();
      await raiseIssue(call, issue, 'assigned', { assignee: viewUser(world, user) });
    }
    return created(viewIssue(world, repository, issue));
  }),
];

/** Adds an issue to the repository with the next number. */
export function addIssue(
  { world, repository, actor, body }: RepositoryCall,
  title: string,
  pull: Pull | undefined,
): Issue {
  const content = optionalText(body, 'body') ?? null;
  demandShort(content ?? '', 'Issue');
  const at = now();
  const issue: Issue = {
    id: world.nextId(),
    number: repository.issues.length + 1,
    user: actor.user,
    viaApp: actor.kind === 'installation',
    createdAt: at,
    updatedAt: at,
    closedAt: null,
    title,
    body: content,
    state: 'open',
    stateReason: null,
    labels: [],
    assignees: [],
    pull,
  };
  repository.issues.push(issue);
  return issue;
}

/** Changes title and body. */
export async function edit(
  call: RepositoryCall,
  issue: Issue,
  more: Record<string, unknown> = {},
): Promise<void> {
  const { body } = call;
  const changes: Record<string, unknown> = { ...more };
  const title = optionalText(body, 'title');
  if (title !== undefined && title !== issue.title) {
    changes['title'] = { from: issue.title };
    issue.title = title;
  }
  const content = optionalText(body, 'body');
  if (content !== undefined && content !== issue.body) {
    demandShort(content, 'Issue');
    changes['body'] = { from: issue.body ?? '' };
    issue.body = content;
  }
  if (Object.keys(changes).length === 0) return;
  issue.updatedAt = now();
  await raiseIssue(call, issue, 'edited', { changes });
}

export function demandShort(content: string, resource: string): void {
  if (content.length > LONGEST_BODY)
    throw invalid({
      resource,
      code: 'custom',
      field: 'body',
      message: `body is too long (maximum is ${LONGEST_BODY} characters)`,
    });
}

function selected({ repository, query }: RepositoryCall): Issue[] {
  const { state = 'open', creator, labels = '', since } = query;
  const wanted = labels.split(',').filter((name) => name !== '');
  return repository.issues
    .filter((issue) => state === 'all' || issue.state === state)
    .filter((issue) => creator === undefined || issue.user.login === creator)
    .filter((issue) => since === undefined || issue.updatedAt >= since)
    .filter((issue) => wanted.every((name) => issue.labels.some((label) => label.name === name)))
    .toSorted((one, other) =>
      query['direction'] === 'asc' ? one.number - other.number : other.number - one.number,
    );
}

function labelsIn({ body }: RepositoryCall): string[] {
  const labels = body['labels'];
  if (!Array.isArray(labels)) return [];
  return (labels as (string | { name: string })[]).map((each) =>
    typeof each === 'string' ? each : each.name,
  );
}
