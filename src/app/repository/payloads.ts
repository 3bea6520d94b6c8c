import { z } from 'zod';

/** The parts of GitHub's payloads that choo reads, checked once when a delivery is handled. */

const account = z.object({ id: z.int(), login: z.string(), type: z.string() });

const repository = z.object({
  id: z.int(),
  name: z.string().regex(/^[A-Za-z0-9._-]{1,100}$/),
  owner: z.object({ login: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/) }),
  default_branch: z.string(),
});

const common = z.object({
  installation: z.object({ id: z.int() }),
  repository,
  sender: account,
});

const objectId = z.string().regex(/^[0-9a-f]{40,64}$/);
const labels = z.array(z.object({ name: z.string() })).nullish();

const pull = z.object({
  number: z.int(),
  state: z.enum(['open', 'closed']),
  merged: z.boolean().nullish(),
  merge_commit_sha: objectId.nullish(),
  draft: z.boolean().nullish(),
  head: z.object({ ref: z.string(), sha: objectId, repo: z.object({ id: z.int() }).nullable() }),
  base: z.object({ ref: z.string(), sha: objectId, repo: z.object({ id: z.int() }) }),
  updated_at: z.string().nullish(),
  stack: z.object({}).nullish(),
  body: z.string().nullish(),
  labels,
});

export const pushPayload = common.extend({
  ref: z.string(),
  before: objectId,
  after: objectId,
  deleted: z.boolean(),
});

export const deletePayload = common.extend({ ref: z.string(), ref_type: z.string() });

export const pullPayload = common.extend({
  action: z.string(),
  pull_request: pull,
  /** Of a push to its branch: the head before. */
  before: objectId.nullish(),
  /** Of an edit: the text before. */
  changes: z.object({ body: z.object({ from: z.string().nullish() }).nullish() }).nullish(),
});

export const reviewPayload = common.extend({
  action: z.string(),
  pull_request: z.object({ number: z.int(), state: z.enum(['open', 'closed']), labels }),
  review: z.object({
    id: z.int(),
    state: z.string(),
    body: z.string().nullish(),
    submitted_at: z.string().nullish(),
  }),
});

export const reviewCommentPayload = common.extend({
  action: z.string(),
  pull_request: z.object({ number: z.int(), labels }),
  comment: z.object({ id: z.int(), body: z.string().nullish(), created_at: z.string() }),
});

export const reviewThreadPayload = common.extend({
  action: z.string(),
  pull_request: z.object({ number: z.int() }),
  thread: z.object({ node_id: z.string() }),
});

export const labelPayload = common.extend({
  action: z.string(),
  label: z.object({ name: z.string() }).nullish(),
  pull_request: pull.nullish(),
  issue: z.object({ number: z.int(), updated_at: z.string().nullish(), labels }).nullish(),
});

export const commentPayload = common.extend({
  action: z.string(),
  issue: z.object({ number: z.int(), labels, pull_request: z.object({}).nullish() }),
  comment: z.object({
    id: z.int(),
    body: z.string().nullish(),
    created_at: z.string(),
    user: account.nullish(),
  }),
  changes: z.object({ body: z.object({ from: z.string() }).nullish() }).nullish(),
});

export const checkPayload = common.extend({
  action: z.string(),
  requested_action: z.object({ identifier: z.string() }).nullish(),
  check_run: z.object({
    id: z.int(),
    name: z.string(),
    head_sha: objectId,
    external_id: z.string().nullish(),
    completed_at: z.string().nullish(),
    app: z.object({ id: z.int() }).nullish(),
    check_suite: z.object({ head_branch: z.string().nullish() }).nullish(),
    pull_requests: z.array(z.object({ number: z.int(), head: z.object({ ref: z.string() }) })).nullish(),
  }),
});

export const suitePayload = common.extend({
  action: z.string(),
  check_suite: z.object({
    head_sha: objectId,
    head_branch: z.string().nullish(),
    app: z.object({ id: z.int() }).nullish(),
  }),
});

export const installationPayload = z.object({
  action: z.string(),
  installation: z.object({
    id: z.int(),
    permissions: z.record(z.string(), z.string()).nullish(),
    events: z.array(z.string()).nullish(),
  }),
  repositories: z.array(z.object({ id: z.int() })).nullish(),
  repositories_removed: z.array(z.object({ id: z.int() })).nullish(),
});

export const repositoryPayload = common.extend({
  action: z.string(),
  changes: z.object({ default_branch: z.object({ from: z.string() }).nullish() }).nullish(),
});

export type Common = z.output<typeof common>;
export type Pull = z.output<typeof pull>;
export type CommentEvent = z.output<typeof commentPayload>;
export type PullEvent = z.output<typeof pullPayload>;
export type Account = z.output<typeof account>;
