import { viewPull } from './pulls/views.ts';
import { grants } from './permissions.ts';
import { maySee, optionalText, type Reply } from './router.ts';
import {
  mayWrite,
  type Actor,
  type Issue,
  type Json,
  type Pull,
  type Repository,
  type World,
} from './world.ts';

const MUTATIONS = ['markPullRequestReadyForReview', 'convertPullRequestToDraft'] as const;
type Mutation = (typeof MUTATIONS)[number];

interface Found {
  readonly repository: Repository;
  readonly issue: Issue;
  readonly pull: Pull;
}

/** The two changes that only GraphQL offers: draft to ready, and ready to draft. Errors are answered with 200, too. */
export async function answerGraphql(world: World, actor: Actor, body: Json): Promise<Reply> {
  const query = optionalText(body, 'query') ?? '';
  const mutation = MUTATIONS.find((name) => query.includes(name));
  if (mutation === undefined)
    return failed('UNSUPPORTED', 'This stand-in knows only the mutations of drafts.');
  const id = idIn(query, (body['variables'] ?? {}) as Json);
  const found = pullWithId(world, actor, id);
  if (found === undefined)
    return failed('NOT_FOUND', `Could not resolve to a node with the global id of '${id}'`);
  const refusal = refused(actor, found, mutation);
  if (refusal !== undefined) return refusal;
  await setDraft(world, actor, found, mutation === 'convertPullRequestToDraft');
  const { issue, pull } = found;
  const pullRequest = {
    id: pull.nodeId,
    number: issue.number,
    isDraft: pull.draft,
    state: issue.state.toUpperCase(),
    headRefOid: pull.head.sha,
  };
  return { status: 200, body: { data: { [mutation]: { clientMutationId: null, pullRequest } } } };
}

async function setDraft(
  world: World,
  actor: Actor,
  { repository, issue, pull }: Found,
  draft: boolean,
): Promise<void> {
  if (pull.draft === draft) return;
  pull.draft = draft;
  world.raise({
    event: 'pull_request',
    action: draft ? 'converted_to_draft' : 'ready_for_review',
    sender: actor.user,
    repository,
    payload: { number: issue.number, pull_request: await viewPull(world, repository, issue, pull) },
  });
}

function refused(actor: Actor, { repository, issue }: Found, mutation: Mutation): Reply | undefined {
  const denied = 'Resource not accessible by integration';
  if (actor.kind === 'installation' && !grants(actor.permissions, 'pull_requests', 'write'))
    return failed('FORBIDDEN', denied, mutation);
  const may = mayWrite(repository, actor.user) || actor.user === issue.user;
  if (actor.kind === 'user' && !may)
    return failed(
      'FORBIDDEN',
      `${actor.user.login} does not have the correct permissions to execute \`${mutation}\``,
    );
  if (mutation === 'convertPullRequestToDraft' && !repository.drafts)
    return failed('UNPROCESSABLE', 'Draft pull requests are not supported in this repository.', mutation);
  if (issue.state === 'closed') return failed('UNPROCESSABLE', 'Pull request is closed.', mutation);
  return undefined;
}

function pullWithId(world: World, actor: Actor, id: string): Found | undefined {
  for (const repository of world.repositories.filter((each) => maySee(actor, each)))
    for (const issue of repository.issues)
      if (issue.pull?.nodeId === id) return { repository, issue, pull: issue.pull };
  return undefined;
}

/** Reads `pullRequestId` from the query or from a variable, alone or within `input`. */
function idIn(query: string, variables: Json): string {
  const literal = /pullRequestId:\s*"([^"]+)"/.exec(query)?.[1];
  if (literal !== undefined) return literal;
  const variable = /pullRequestId:\s*\$(\w+)/.exec(query)?.[1];
  if (variable !== undefined) return String(variables[variable]);
  const inputs = Object.values(variables).filter(
    (value): value is Json => typeof value === 'object' && value !== null,
  );
  return String(inputs.find((input) => input['pullRequestId'] !== undefined)?.['pullRequestId']);
}

function failed(type: string, message: string, path?: string): Reply {
  const error = { type, message, ...(path !== undefined && { path: [path] }) };
  return { status: 200, body: { data: path === undefined ? null : { [path]: null }, errors: [error] } };
}
