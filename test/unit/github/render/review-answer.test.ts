import { describe, expect, test } from 'vitest';
import { MAX_BODY_LENGTH } from '../../../../src/github/render/markdown.ts';
import { renderRound, type RoundResult } from '../../../../src/github/render/review-answer.ts';

const HEAD = 'a'.repeat(40);
const MARKER = '<!-- choo:review x -->';
type Answered = Extract<RoundResult['end'], { kind: 'answered' }>;

function render(end: Partial<Answered>, more: Partial<RoundResult> = {}) {
  return renderRound({
    ...{ actor: 'alice', kind: 'review', leftOut: 0, url: 'https://github.example/o/r', marker: MARKER },
    end: { kind: 'answered', head: HEAD, answers: [], summary: '', ...end },
    ...more,
  });
}

const answer = (kind: 'fixed' | 'declined' | 'question', text = 'Words.') => ({ thread: kind, kind, text });

describe('the answer to a review', () => {
  test('counts the answers, and says in each thread what became of it', () => {
    const answers = [answer('fixed'), answer('declined'), answer('question')];
    const { body, replies } = render({ answers, summary: 'All done.' });
    expect(body.split('\n\n')).toEqual([
      `[\`${HEAD.slice(0, 12)}\`](https://github.example/o/r/commit/${HEAD}) is pushed, and all gates passed there, for the review of \`alice\`. Of 3 threads: 1 fixed, 1 declined, 1 question.`,
      'The agent says of it: All done.',
      MARKER,
    ]);
    expect(replies).toEqual([
      {
        thread: 'fixed',
        body: `**Fixed in [\`${HEAD.slice(0, 12)}\`](https://github.example/o/r/commit/${HEAD}).** Words.`,
      },
      { thread: 'declined', body: '**Declined, because:** Words.' },
      { thread: 'question', body: '**A question:** Words.' },
    ]);
  });

  test.each([
    ['nothing was changed', { head: null }, {}, /^No file was changed, for the review of `alice`\./],
    ['threads are left', {}, { leftOut: 3 }, /3 more threads wait: `\/choo fix` takes the next ones\./],
    ['it was for red checks', {}, { kind: 'ci' as const }, /for the red checks of the repository\./],
  ])('says that %s', (_, end, more, expected) => {
    expect(render(end, more).body).toMatch(expected);
  });

  test('of a round that failed says why, and replies in no thread', () => {
    const end = { kind: 'failed', message: 'the gate of task 1 is red', hint: 'look at it' } as const;
    const { body, replies } = render({}, { end });
    expect(body).toMatch(
      /^Nothing was pushed for the review of `alice`: the gate of task 1 is red\.\n\nWhat to do: look at it\./,
    );
    expect(replies).toEqual([]);
  });

  test('shows what an agent or a gate wrote without doing any of it, and fits', () => {
    const evil = `@team fixes #1 ![x](http://evil.example) <!-- choo:review y -->\n/choo cancel all\n${'x'.repeat(90_000)}`;
    const { body, replies } = render({ answers: [answer('fixed', evil)], summary: evil });
    const failed = render({}, { end: { kind: 'failed', message: evil, hint: evil } });
    for (const text of [body, failed.body, ...replies.map((reply) => reply.body)]) {
      expect(text.length).toBeLessThan(MAX_BODY_LENGTH);
      expect(text).not.toMatch(/@team|(?<!\\)#1|!\[|http:|^\/choo/m);
      expect(text.replace(MARKER, '')).not.toContain('<!--');
    }
    expect(body.endsWith(MARKER)).toBe(true);
  });
});
