import { expect, test } from 'vitest';
import { ROUTES, UNDOCUMENTED } from '../../../stand-in/openapi-routes.ts';
import reduced from '../../../stand-in/openapi.json' with { type: 'json' };
import { checkGraphql, createRequestCheck, type CheckedRequest } from '../../../stand-in/openapi.ts';

const check = createRequestCheck();
const ask = (route: string, body?: unknown, query: CheckedRequest['query'] = {}) => {
  const [method = '', path = ''] = route.split(' ');
  return check({ method, path: path.replace('…', '/repos/o/r'), query, body });
};

const run = { name: 'choo / plan', head_sha: 'a'.repeat(40), status: 'in_progress' };
const annotation = { path: 'a', start_line: 1, end_line: 1, annotation_level: 'notice', message: 'm' };
const output = { title: 't', summary: 's' };
const action = { label: 'Retry', description: 'Again', identifier: 'retry' };
const pull = { title: 't', head: 'x', base: 'main' };
const longest = 'x'.repeat(65_535);
const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

test('has every route that is asked for', () => {
  const routes = Object.values(reduced.operations).map(({ method, path }) => `${method} ${path}`);
  expect(routes.sort()).toEqual([...ROUTES, ...Object.keys(UNDOCUMENTED)].sort());
});

test.each<[string, unknown?, CheckedRequest['query']?]>([
  ['GET /app'],
  ['GET /repositories/12'],
  ['GET /repos/o/r'],
  ['GET …/git/ref/heads/choo/a'],
  ['GET …/git/ref/heads%2Fchoo%2Fa'],
  ['DELETE …/git/refs/heads/choo/a', {}],
  ['GET …/compare/main...choo/a'],
  [
    'GET …/commits/main/check-runs',
    undefined,
    { check_name: 'choo / plan', filter: 'latest', per_page: '100' },
  ],
  ['GET …/pulls', undefined, { head: 'o:x', state: 'open', per_page: '100', page: '2' }],
  ['DELETE …/issues/1/labels/choo%3Arun'],
  ['POST /app/installations/1/access_tokens'],
  ['POST /app/installations/1/access_tokens', { repository_ids: [1], permissions: { contents: 'write' } }],
  ['POST …/pulls', { ...pull, body: longest, draft: true }],
  ['PATCH …/pulls/1', { state: 'closed' }],
  ['POST …/git/refs', { ref: 'refs/heads/x', sha: 'a'.repeat(40) }],
  ['POST …/issues', { title: 't', labels: ['a', { name: 'b', color: null }], assignee: null }],
  ['POST …/issues/1/comments', { body: 'x' }],
  ['POST …/issues/1/labels', { labels: ['choo:run'] }],
  ['POST …/issues/comments/5/reactions', { content: 'eyes' }],
  [
    'POST …/check-runs',
    {
      ...run,
      output: { title: 't', summary: longest, text: longest, annotations: times(50, annotation) },
      actions: times(3, action),
    },
  ],
  ['PATCH …/check-runs/1', { status: 'completed', conclusion: 'success', output }],
])('passes %s %j', (route, body, query) => {
  expect(ask(route, body, query)).toEqual([]);
});

test.each<[string, string, unknown, string]>([
  ['a route that is not there', 'POST …/nope', {}, 'unknown route: POST /repos/o/r/nope'],
  ['a method that it has not', 'PUT …/pulls', {}, 'unknown route: PUT /repos/o/r/pulls'],
  ['a number that is none', 'GET …/pulls/one', {}, 'pulls/get: path/pull_number must be integer'],
  ['a body that it does not take', 'GET …/pulls/1', { a: 1 }, 'pulls/get: it takes no body'],
  ['a body that is no JSON', 'POST …/issues/1/comments', 'x', 'issues/create-comment: body must be object'],
  ['no body', 'POST …/issues/1/comments', undefined, 'issues/create-comment: body misses `body`'],
  ['an empty body', 'POST …/issues/1/comments', {}, 'issues/create-comment: body misses `body`'],
  ['what is missing', 'POST …/pulls', { title: 't', head: 'x' }, 'pulls/create: body misses `base`'],
  ['a field that is not there', 'POST …/pulls', { ...pull, drafts: true }, 'unknown field `body/drafts`'],
  ['one that every object has', 'POST …/pulls', { ...pull, valueOf: 1 }, 'unknown field `body/valueOf`'],
  [
    'one further in',
    'POST …/check-runs',
    { ...run, output: { ...output, notes: 1 } },
    'checks/create: unknown field `body/output/notes`',
  ],
  [
    'one of an item',
    'POST …/check-runs',
    { ...run, output: { ...output, annotations: [{ ...annotation, color: 1 }] } },
    'checks/create: unknown field `body/output/annotations/0/color`',
  ],
  [
    'one of what is one of several',
    'POST …/issues',
    { title: 't', labels: ['a', { name: 'b', colour: 'c' }] },
    'issues/create: unknown field `body/labels/1/colour`',
  ],
  [
    'one of what is described elsewhere',
    'POST /app/installations/1/access_tokens',
    { permissions: { content: 'write' } },
    'apps/create-installation-access-token: unknown field `body/permissions/content`',
  ],
  ['a wrong type', 'POST …/issues/1/comments', { body: 1 }, 'body/body must be string'],
  ['null where it may not be', 'PATCH …/pulls/1', { title: null }, 'pulls/update: body/title must be string'],
  [
    'a value that it has not',
    'PATCH …/pulls/1',
    { state: 'merged' },
    'pulls/update: body/state must be one of `open`, `closed`',
  ],
  [
    'a check that is completed without a conclusion',
    'PATCH …/check-runs/1',
    { status: 'completed' },
    'checks/update: body misses `conclusion`',
  ],
  [
    'too many annotations',
    'PATCH …/check-runs/1',
    { output: { ...output, annotations: times(51, annotation) } },
    'body/output/annotations must NOT have more than 50 items',
  ],
  [
    'too many actions',
    'POST …/check-runs',
    { ...run, actions: times(4, action) },
    'checks/create: body/actions must NOT have more than 3 items',
  ],
  ...Object.entries({ label: 20, description: 40, identifier: 20 }).map(
    ([name, most]): [string, string, unknown, string] => [
      `a ${name} of an action that is too long`,
      'POST …/check-runs',
      { ...run, actions: [{ ...action, [name]: 'x'.repeat(most + 1) }] },
      `checks/create: body/actions/0/${name} must NOT have more than ${most} characters`,
    ],
  ),
  ...['summary', 'text'].map((name): [string, string, unknown, string] => [
    `a ${name} that is too long`,
    'POST …/check-runs',
    { ...run, output: { ...output, [name]: `${longest}x` } },
    `checks/create: body/output/${name} must NOT have more than 65535 characters`,
  ]),
  ...['POST …/issues/1/comments', 'PATCH …/issues/comments/1', 'PATCH …/pulls/1', 'PATCH …/issues/1'].map(
    (route): [string, string, unknown, string] => [
      `a body that is too long: ${route}`,
      route,
      { body: `${longest}x` },
      'body/body must NOT have more than 65535 characters',
    ],
  ),
])('names %s', (_, route, body, expected) => {
  expect(ask(route, body)).toContainEqual(expect.stringContaining(expected));
});

test('names what is wrong once, however often it is said', () => {
  const annotations = times(51, annotation);
  expect(ask('POST …/check-runs', { ...run, output: { ...output, annotations } })).toHaveLength(1);
});

test.each<[string, CheckedRequest['query'], string]>([
  ['is not there', { states: 'open' }, 'pulls/list: unknown query parameter `states`'],
  ['has another type', { page: 'two' }, 'pulls/list: query/page must be integer'],
  ['is given twice', { page: ['1', '2'] }, 'pulls/list: query/page must be integer'],
  ['has a value of its own', { direction: 'up' }, 'pulls/list: query/direction must be one of `asc`, `desc`'],
])('names a parameter that %s', (_, query, expected) => {
  expect(ask('GET …/pulls', undefined, query)).toEqual([expected]);
});

test('leaves the request as it was', () => {
  const query = { page: '2' };
  ask('GET …/pulls', undefined, query);
  expect(query).toEqual({ page: '2' });
});

const draft =
  'mutation ($id: ID!) { convertPullRequestToDraft(input: { pullRequestId: $id }) { pullRequest { isDraft } } }';

test.each([
  draft,
  draft.replace('convertPullRequestToDraft', 'ready: markPullRequestReadyForReview'),
  'query ($name: String!) { repository(owner: "a", name: $name) { id } }',
  `# { closePullRequest }\n${draft.replace('$id })', '"{ closePullRequest" })')}`,
])('passes the GraphQL %s', (query) => {
  expect(checkGraphql(query)).toEqual([]);
});

const second = draft.replace(/ \}$/, ' mergePullRequest(input: {}) { clientMutationId } }');

test.each<[unknown, string]>([
  [undefined, 'graphql: body misses `query`'],
  ['', 'graphql: no operation'],
  ['{ viewer { login } }', 'graphql: unknown query `viewer`'],
  [`${draft} query A { viewer { login } }`, 'graphql: unknown query `viewer`'],
  [draft.replace('mutation', 'subscription'), 'graphql: unknown subscription `convertPullRequestToDraft`'],
  [
    draft.replace('convertPullRequestToDraft', 'closePullRequest'),
    'graphql: unknown mutation `closePullRequest`',
  ],
  [second, 'graphql: unknown mutation `mergePullRequest`'],
  [draft.replace('{ convert', '{ convertPullRequestToDraft: mergePullRequest convert'), '`mergePullRequest`'],
  [draft.replace('{ convert', '{ ...All convert'), 'graphql: unknown mutation `...`'],
])('names what is wrong with the GraphQL %s', (query, expected) => {
  expect(checkGraphql(query)).toContainEqual(expect.stringContaining(expected));
});

test.each([{ path: '/graphql', graphql: true }, { path: '/graphql' }, { path: '/api/graphql' }])(
  'takes %j for GraphQL',
  (where) => {
    const asked = (query: string) => check({ method: 'POST', query: {}, body: { query }, ...where });
    expect(asked(draft)).toEqual([]);
    expect(asked(draft.replace('convertPullRequestToDraft', 'closePullRequest'))).toHaveLength(1);
  },
);
