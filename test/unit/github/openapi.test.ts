import { expect, test } from 'vitest';
import { createRequestCheck } from '../../github/openapi.ts';

const check = createRequestCheck();
const asked = (
  method: string,
  path: string,
  body: unknown = {},
  query: Readonly<Record<string, string>> = {},
) => check({ method, path: `/repos/o/r${path}`, query, body });
const run = { name: 'choo / plan', head_sha: 'a'.repeat(40), status: 'in_progress' };
const annotation = { path: 'a', start_line: 1, end_line: 1, annotation_level: 'notice', message: 'm' };
const output = { title: 't', summary: 's' };
const action = { label: 'Retry', description: 'Again', identifier: 'retry' };

test.each([
  [
    'POST',
    '/check-runs',
    { ...run, external_id: 'plan', output: { ...output, annotations: [annotation] }, actions: [action] },
  ],
  ['POST', '/pulls', { title: 't', head: 'x', base: 'main', body: 'b', draft: true }],
  ['POST', '/issues/1/comments', { body: 'x' }],
  ['POST', '/issues/comments/5/reactions', { content: 'eyes' }],
  ['DELETE', '/issues/1/labels/choo%3Arun', {}],
])('passes %s %s', (method, path, body) => {
  expect(asked(method, path, body)).toEqual([]);
});

test.each([
  ['an unknown route', 'POST', '/nope', {}, /unknown route/],
  [
    'an unknown field',
    'POST',
    '/pulls',
    { title: 't', head: 'x', base: 'main', drafty: true },
    /unknown field `\/drafty`/,
  ],
  [
    'an unknown field further in',
    'POST',
    '/check-runs',
    { ...run, output: { ...output, notes: 1 } },
    /unknown field `\/output\/notes`/,
  ],
  [
    'an unknown field of an item',
    'POST',
    '/check-runs',
    { ...run, output: { ...output, annotations: [{ ...annotation, color: 1 }] } },
    /annotations\/0\/color/,
  ],
  ['a wrong type', 'POST', '/issues/1/comments', { body: 1 }, /must be string/],
  [
    'a value that is none',
    'POST',
    '/issues/comments/5/reactions',
    { content: 'yes' },
    /must be equal to one of/,
  ],
  ['what is missing', 'POST', '/pulls', { title: 't', head: 'x' }, /base/],
  [
    'too many annotations',
    'POST',
    '/check-runs',
    { ...run, output: { ...output, annotations: Array.from({ length: 51 }, () => annotation) } },
    /50/,
  ],
  [
    'a label that is too long',
    'POST',
    '/check-runs',
    { ...run, actions: [{ ...action, label: 'x'.repeat(21) }] },
    /20/,
  ],
  ['a text that is too long', 'POST', '/issues/1/comments', { body: 'x'.repeat(65_536) }, /65535/],
  [
    'a summary that is too long',
    'POST',
    '/check-runs',
    { ...run, output: { ...output, summary: 'x'.repeat(65_536) } },
    /65535/,
  ],
])('names %s', (_, method, path, body, expected) => {
  expect(asked(method, path, body).join('\n')).toMatch(expected);
});

test('names a parameter that is not there', () => {
  expect(asked('GET', '/pulls', {}, { head: 'o:x', states: 'open' })).toEqual([
    'pulls/list: unknown parameter `states`',
  ]);
});

test('knows two changes of GraphQL', () => {
  const graphql = (query: string) =>
    check({ method: 'POST', path: '/graphql', query: {}, body: { query }, graphql: true });
  const draft =
    'mutation ($id: ID!) { convertPullRequestToDraft(input: { pullRequestId: $id }) { pullRequest { isDraft } } }';
  expect(graphql(draft)).toEqual([]);
  expect(graphql(draft.replace('convertPullRequestToDraft', 'closePullRequest'))).toHaveLength(1);
});
