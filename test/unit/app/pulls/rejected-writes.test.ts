import { expect, test } from 'vitest';
import { RejectedWrites } from '../../../../src/app/pulls/rejected-writes.ts';

/** An answer of GitHub's that its client throws. */
function refusal(status: number, headers: Readonly<Record<string, string>>): Error {
  const data = { message: 'Resource not accessible by integration' };
  return Object.assign(new Error(data.message), { status, response: { data, headers } });
}

async function sentenceFor(error: Error): Promise<string | undefined> {
  const refusals = new RejectedWrites(() => {}, new AbortController().signal);
  await refusals.step('the check of unit api', async () => {
    throw error;
  });
  return refusals.sentences[0];
}

test.each([
  ['checks=write', 'it needs checks=write, which'],
  ['issues=write; pull_requests=write', 'it needs issues=write or pull_requests=write, which'],
  ['pull_requests=write,contents=read', 'it needs pull_requests=write,contents=read, which'],
])('a write that GitHub refuses for want of `%s` names it', async (named, words) => {
  expect(await sentenceFor(refusal(403, { 'x-accepted-github-permissions': named }))).toContain(words);
});

test.each([
  ['another refusal', 422, 'checks=write'],
  ['a header of other words', 403, 'checks=write; [click](https://e.example)'],
  ['an empty header', 403, ''],
])('%s names no permission', async (_, status, named) => {
  const sentence = await sentenceFor(refusal(status, { 'x-accepted-github-permissions': named }));
  expect(sentence).toBe('the check of unit api was not written: Resource not accessible by integration');
});
