import { expect, test } from 'vitest';
import { subjectOf } from '../../../../src/github/api/delivery.ts';

const repository = { id: 7 };

test.each([
  ['push', { repository, ref: 'refs/heads/main' }, '7 refs/heads/main'],
  ['issue_comment', { repository, issue: { number: 3 } }, '7 3'],
  ['pull_request', { repository, pull_request: { number: 3 } }, '7 3'],
  ['pull_request_review', { repository, pull_request: { number: 3 } }, '7 3'],
  ['check_run', { repository, check_run: { head_sha: 'abc' } }, '7 abc'],
  ['repository', { repository }, '7 repository'],
  ['installation', { installation: { id: 9 } }, 'installation 9'],
])('%s belongs to its thread', (event, payload, thread) => {
  expect(subjectOf(event, payload)).toMatchObject({ thread });
});

test.each([null, 'x', 1, [], { repository: 1 }, { repository: { id: 1.5 } }, { repository: { id: 1e300 } }])(
  'takes %j for nothing that could hurt',
  (payload) => {
    expect(subjectOf('push', payload)?.repository ?? null).toBeNull();
  },
);

test('is one line, whatever the number is', () => {
  expect(subjectOf('issues', { repository, issue: { number: 'a\u0000\n\ud800' } })?.thread).toBe(
    '7 a  \ufffd',
  );
});

test('is nothing for events that choo does nothing about', () => {
  expect(subjectOf('star', { repository })).toBeUndefined();
});
