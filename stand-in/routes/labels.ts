import { invalid, notFound } from '../refusal.ts';
import {
  created,
  issueOf,
  ok,
  optionalText,
  page,
  repositoryRoute,
  text,
  type Reply,
  type RepositoryCall,
  type Route,
} from '../router.ts';
import { viewLabel } from '../views.ts';
import { now, type Issue, type Label, type Repository, type World } from '../world.ts';
import { raiseIssue } from './issue-events.ts';

const READ = { permission: 'issues|pull_requests' };
const WRITE = { permission: 'issues|pull_requests' };

/** The labels of a repository and of its issues. */
export const LABEL_ROUTES: readonly Route[] = [
  repositoryRoute('GET /labels', READ, (call) =>
    page(call, call.repository.labels, (label) => viewLabel(call.world, call.repository, label)),
  ),
  repositoryRoute('POST /labels', WRITE, (call) => {
    const { world, repository, body } = call;
    const name = text(body, 'name', 'Label');
    if (labelNamed(repository, name) !== undefined)
      throw invalid({ resource: 'Label', code: 'already_exists', field: 'name' });
    return created(viewLabel(world, repository, makeLabel(world, repository, name, body)));
  }),
  repositoryRoute('GET /labels/:name', READ, (call) =>
    ok(viewLabel(call.world, call.repository, labelOf(call))),
  ),
  repositoryRoute('PATCH /labels/:name', WRITE, (call) => {
    const label = labelOf(call);
    label.name = optionalText(call.body, 'new_name') ?? label.name;
    label.color = optionalText(call.body, 'color') ?? label.color;
    label.description = optionalText(call.body, 'description') ?? label.description;
    return ok(viewLabel(call.world, call.repository, label));
  }),
  repositoryRoute('DELETE /labels/:name', WRITE, (call) => {
    const label = labelOf(call);
    const { labels, issues } = call.repository;
    labels.splice(labels.indexOf(label), 1);
    for (const issue of issues) issue.labels = issue.labels.filter((each) => each !== label);
    return { status: 204 };
  }),
  repositoryRoute('GET /issues/:number/labels', READ, (call) =>
    page(call, issueOf(call).labels, (label) => viewLabel(call.world, call.repository, label)),
  ),
  repositoryRoute('POST /issues/:number/labels', WRITE, async (call) => {
    await addLabels(call, issueOf(call), namesIn(call));
    return shown(call);
  }),
  repositoryRoute('PUT /issues/:number/labels', WRITE, async (call) => {
    await setLabels(call, issueOf(call), namesIn(call));
    return shown(call);
  }),
  repositoryRoute('DELETE /issues/:number/labels', WRITE, async (call) => {
    await setLabels(call, issueOf(call), []);
    return { status: 204 };
  }),
  repositoryRoute('DELETE /issues/:number/labels/:name', WRITE, async (call) => {
    const issue = issueOf(call);
    const label = issue.labels.find((each) => sameName(each.name, call.params['name'] ?? ''));
    if (label === undefined) throw notFound();
    await removeLabel(call, issue, label);
    return shown(call);
  }),
];

/** Sets the labels of an issue, and raises an event for each that was added or removed. */
export async function setLabels(call: RepositoryCall, issue: Issue, names: readonly string[]): Promise<void> {
  for (const label of issue.labels)
    if (!names.some((name) => sameName(name, label.name))) await removeLabel(call, issue, label);
  await addLabels(call, issue, names);
}

/** Adds labels, and creates those that the repository does not have. */
export async function addLabels(call: RepositoryCall, issue: Issue, names: readonly string[]): Promise<void> {
  const { world, repository } = call;
  for (const name of names) {
    const label = labelNamed(repository, name) ?? makeLabel(world, repository, name);
    if (issue.labels.includes(label)) continue;
    issue.labels = [...issue.labels, label];
    issue.updatedAt = now();
    await raiseIssue(call, issue, 'labeled', { label: viewLabel(world, repository, label) });
  }
}

async function removeLabel(call: RepositoryCall, issue: Issue, label: Label): Promise<void> {
  issue.labels = issue.labels.filter((each) => each !== label);
  issue.updatedAt = now();
  await raiseIssue(call, issue, 'unlabeled', { label: viewLabel(call.world, call.repository, label) });
}

function makeLabel(
  world: World,
  repository: Repository,
  name: string,
  body: RepositoryCall['body'] = {},
): Label {
  const label = {
    id: world.nextId(),
    name,
    color: optionalText(body, 'color') ?? 'ededed',
    description: optionalText(body, 'description') ?? null,
  };
  repository.labels.push(label);
  return label;
}

function labelOf({ repository, params }: RepositoryCall): Label {
  const label = labelNamed(repository, params['name'] ?? '');
  if (label === undefined) throw notFound();
  return label;
}

function labelNamed(repository: Repository, name: string): Label | undefined {
  return repository.labels.find((label) => sameName(label.name, name));
}

function sameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function namesIn({ body }: RepositoryCall): string[] {
  const listed = Array.isArray(body) ? (body as unknown[]) : body['labels'];
  if (!Array.isArray(listed)) throw invalid({ resource: 'Label', code: 'missing_field', field: 'labels' });
  return (listed as (string | { name: string })[]).map((each) =>
    typeof each === 'string' ? each : each.name,
  );
}

function shown(call: RepositoryCall): Reply {
  return ok(issueOf(call).labels.map((label) => viewLabel(call.world, call.repository, label)));
}
