import { project, readOperation, type Selection } from './graphql-document.ts';
import { grants } from './permissions.ts';
import { viewPull } from './pulls/views.ts';
import { Refusal } from './refusal.ts';
import {
  queryComment,
  queryPull,
  queryRepository,
  queryReview,
  queryThread,
} from './reviews/graphql-views.ts';
import { addReply, type Reviewing, setResolved, stateAfter, submitReview } from './reviews/writing.ts';
import { maySee, optionalText, type Reply } from './router.ts';
import {
  mayWrite,
  repositoryNamed,
  type Actor,
  type Issue,
  type Json,
  type Pull,
  type Repository,
  type World,
} from './world.ts';

/** What is asked for is not there, or not allowed. */
class Failure extends Error {
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

/** Who asks, and of whom. */
interface Asking {
  readonly world: World;
  readonly actor: Actor;
}

type Mutation = (input: Json, asking: Asking) => Promise<Json>;

/** The changes that only GraphQL offers. */
const MUTATIONS: Readonly<Record<string, Mutation>> = {
  markPullRequestReadyForReview: async (input, asking) => setDraft(input, asking, false),
  convertPullRequestToDraft: async (input, asking) => setDraft(input, asking, true),
  resolveReviewThread: async (input, asking) => resolve(input, asking, true),
  unresolveReviewThread: async (input, asking) => resolve(input, asking, false),
  addPullRequestReviewThreadReply: reply,
  submitPullRequestReview: submit,
};

/** Answers a request of the GraphQL API, as far as it is known here. Errors are answered with 200, too. */
export async function answerGraphql(world: World, actor: Actor, body: Json): Promise<Reply> {
  let path: string | undefined;
  try {
    const operation = readOperation(optionalText(body, 'query') ?? '', (body['variables'] ?? {}) as Json);
    const data: Record<string, unknown> = {};
    for (const field of operation.fields) {
      path = field.alias;
      data[field.alias] =
        operation.kind === 'query'
          ? await answerQuery(field, { world, actor })
          : await answerMutation(field, { world, actor });
    }
    return { status: 200, body: { data } };
  } catch (error) {
    if (error instanceof Refusal) return failed('UNPROCESSABLE', reasonOf(error), path);
    if (error instanceof Failure) return failed(error.type, error.message, path);
    return failed('UNDEFINED', error instanceof Error ? error.message : 'failed', path);
  }
}

async function answerQuery(
  { name, arguments: given, fields }: Selection,
  { world, actor }: Asking,
): Promise<unknown> {
  if (name !== 'repository') throw new Failure('UNSUPPORTED', `This stand-in knows no query \`${name}\`.`);
  const repository = repositoryNamed(world, `${String(given['owner'])}/${String(given['name'])}`);
  if (repository === undefined || !maySee(actor, repository))
    throw new Failure('NOT_FOUND', 'Could not resolve to a Repository with that name.');
  if (actor.kind === 'installation' && !grants(actor.permissions, 'pull_requests', 'read')) throw denied();
  return project(queryRepository(repository, actor.user), fields);
}

async function answerMutation(
  { name, arguments: given, fields }: Selection,
  asking: Asking,
): Promise<unknown> {
  const mutate = MUTATIONS[name];
  if (mutate === undefined) throw new Failure('UNSUPPORTED', `This stand-in knows no mutation \`${name}\`.`);
  const answered = await mutate((given['input'] ?? {}) as Json, asking);
  return project({ __typename: 'Payload', clientMutationId: null, ...answered }, fields);
}

async function setDraft(input: Json, { world, actor }: Asking, draft: boolean): Promise<Json> {
  const id = String(input['pullRequestId']);
  const found = findPull({ world, actor }, (_, { nodeId }) => nodeId === id);
  if (found === undefined) throw missing(id);
  const { repository, issue, pull } = found;
  const what = draft ? 'convertPullRequestToDraft' : 'markPullRequestReadyForReview';
  demandWrite(actor, 'pull_requests');
  if (actor.kind === 'user' && !mayWrite(repository, actor.user) && actor.user !== issue.user)
    throw new Failure(
      'FORBIDDEN',
      `${actor.user.login} does not have the correct permissions to execute \`${what}\``,
    );
  if (draft && !repository.drafts)
    throw new Failure('UNPROCESSABLE', 'Draft pull requests are not supported in this repository.');
  if (issue.state === 'closed') throw new Failure('UNPROCESSABLE', 'Pull request is closed.');
  if (pull.draft !== draft) {
    pull.draft = draft;
    world.raise({
      event: 'pull_request',
      action: draft ? 'converted_to_draft' : 'ready_for_review',
      sender: actor.user,
      repository,
      payload: { number: issue.number, pull_request: await viewPull(world, repository, issue, pull) },
    });
  }
  return { pullRequest: queryPull(repository, issue, pull, actor.user) };
}

/** An App needs `contents: write` for it, too. */
async function resolve(input: Json, asking: Asking, resolved: boolean): Promise<Json> {
  const { on, thread } = threadOf(input['threadId'], asking);
  demandWrite(asking.actor, 'pull_requests');
  demandWrite(asking.actor, 'contents');
  if (
    asking.actor.kind === 'user' &&
    !mayWrite(on.repository, asking.actor.user) &&
    asking.actor.user !== on.issue.user
  )
    throw denied();
  await setResolved(on, thread, resolved);
  return { thread: await queryThread(on.repository, thread, asking.actor.user) };
}

/** A reply within a pending review; without one GitHub makes a review of it, which choo never asks for. */
async function reply(input: Json, asking: Asking): Promise<Json> {
  const { on, thread } = threadOf(input['pullRequestReviewThreadId'], asking);
  demandWrite(asking.actor, 'pull_requests');
  const review = on.repository.reviews.find(({ nodeId }) => nodeId === input['pullRequestReviewId']);
  if (review === undefined || review.user !== asking.actor.user)
    throw missing(String(input['pullRequestReviewId']));
  if (review.state !== 'PENDING') throw new Failure('UNPROCESSABLE', 'Review has already been submitted.');
  const body = optionalText(input, 'body') ?? '';
  return { comment: queryComment(addReply(on, { thread, review, body }), asking.actor.user) };
}

async function submit(input: Json, asking: Asking): Promise<Json> {
  const id = String(input['pullRequestReviewId']);
  const found = findPull(asking, (repository, _, issue) =>
    repository.reviews.some((each) => each.nodeId === id && each.issue === issue),
  );
  const review = found?.repository.reviews.find(({ nodeId }) => nodeId === id);
  if (found === undefined || review === undefined || review.user !== asking.actor.user) throw missing(id);
  demandWrite(asking.actor, 'pull_requests');
  if (review.state !== 'PENDING')
    throw new Failure('UNPROCESSABLE', 'Could not submit a review that is not pending.');
  const on: Reviewing = { ...asking, ...found };
  const body = optionalText(input, 'body') ?? review.body;
  const state = stateAfter(on, input['event'], body);
  review.body = body;
  await submitReview(on, review, state);
  return { pullRequestReview: queryReview(review) };
}

interface Found {
  readonly repository: Repository;
  readonly issue: Issue;
  readonly pull: Pull;
}

function findPull(
  { world, actor }: Asking,
  matches: (repository: Repository, pull: Pull, issue: Issue) => boolean,
): Found | undefined {
  for (const repository of world.repositories.filter((each) => maySee(actor, each)))
    for (const issue of repository.issues)
      if (issue.pull !== undefined && matches(repository, issue.pull, issue))
        return { repository, issue, pull: issue.pull };
  return undefined;
}

function threadOf(id: unknown, asking: Asking) {
  const found = findPull(asking, ({ threads }, _, issue) =>
    threads.some((each) => each.nodeId === id && each.issue === issue),
  );
  const thread = found?.repository.threads.find(({ nodeId }) => nodeId === id);
  if (found === undefined || thread === undefined) throw missing(String(id));
  const on: Reviewing = { ...asking, ...found };
  return { on, thread };
}

function demandWrite(actor: Actor, permission: string): void {
  if (actor.kind === 'installation' && !grants(actor.permissions, permission, 'write')) throw denied();
}

function denied(): Failure {
  return new Failure('FORBIDDEN', 'Resource not accessible by integration');
}

function missing(id: string): Failure {
  return new Failure('NOT_FOUND', `Could not resolve to a node with the global id of '${id}'`);
}

function reasonOf({ message, body }: Refusal): string {
  const [first] = (body['errors'] ?? []) as readonly unknown[];
  return typeof first === 'string' ? first : message;
}

function failed(type: string, message: string, path: string | undefined): Reply {
  const error = { type, message, ...(path !== undefined && { path: [path] }) };
  return { status: 200, body: { data: path === undefined ? null : { [path]: null }, errors: [error] } };
}
