import { describe, expect, test } from 'vitest';
import { MAX_ANSWER_LENGTH, MAX_ANSWERS, type ReviewThread } from '../../../../src/events/review-request.ts';
import { parseAnswers, settleAnswers } from '../../../../src/worker/update/answers.ts';

const threads = (...ids: readonly string[]): ReviewThread[] =>
  ids.map((id) => ({ id, path: null, line: null, hunk: null, comments: [] }));
const written = (...answers: readonly unknown[]) => parseAnswers(JSON.stringify({ answers }));
const settle = (answers: readonly unknown[], hasChanged: boolean) =>
  settleAnswers(threads('a'), written(...answers), { hasChanged }).answers;

describe('the answers of an agent', () => {
  test.each<[string, readonly unknown[], boolean, object]>([
    [
      'are taken as they are',
      [{ thread: 'a', kind: 'declined', text: ' No. ' }],
      true,
      { kind: 'declined', text: 'No.' },
    ],
    [
      'are taken once',
      [
        { thread: 'a', kind: 'fixed', text: '1' },
        { thread: 'a', kind: 'fixed', text: '2' },
      ],
      true,
      { kind: 'fixed', text: '1' },
    ],
    [
      'are not taken for another thread',
      [{ thread: 'b', kind: 'fixed', text: 'x' }],
      true,
      { kind: 'question' },
    ],
    [
      'are a question when they are none',
      [],
      true,
      { kind: 'question', text: expect.stringMatching(/^No answer was given\./) },
    ],
    [
      'are a question in another form',
      [{ thread: 'a', kind: 'done', text: 'x' }, 7, null],
      true,
      { kind: 'question' },
    ],
    [
      'say nothing is fixed where nothing was changed',
      [{ thread: 'a', kind: 'fixed', text: 'x' }],
      false,
      { kind: 'declined', text: 'No file was changed, although the agent wrote: x' },
    ],
    [
      'show no hidden text',
      [{ thread: 'a', kind: 'declined', text: 'a<!-- b -->\u202Ec' }],
      true,
      { text: 'ac' },
    ],
  ])('%s', (_, answers, hasChanged, expected) => {
    expect(settle(answers, hasChanged)).toMatchObject([{ thread: 'a', ...expected }]);
  });

  test('are one for each of a hundred threads, and short', () => {
    const ids = Array.from({ length: MAX_ANSWERS + 50 }, (_, at) => `t${at}`);
    const all = ids.map((thread) => ({ thread, kind: 'fixed', text: 'x'.repeat(10_000) }));
    const { answers } = settleAnswers(threads(...ids), written(...all), { hasChanged: false });
    expect(answers.map(({ thread }) => thread)).toEqual(ids.slice(0, MAX_ANSWERS));
    expect(Math.max(...answers.map(({ text }) => text.length))).toBe(MAX_ANSWER_LENGTH);
  });

  test.each(['', '{', '[]', '"x"', 'null', '{"answers": {}}', '['.repeat(500_000)])(
    'count for nothing when the file holds something else (%#)',
    (text) => {
      const { answers, summary } = settleAnswers(threads('a'), parseAnswers(text), { hasChanged: true });
      expect(answers).toMatchObject([{ thread: 'a', kind: 'question' }]);
      expect(summary).toBe('');
    },
  );
});
