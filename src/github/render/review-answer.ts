import type { ThreadAnswer } from '../../events/review-request.ts';
import { count } from '../../text/terminal-layout.ts';
import { code, fit, inline } from './markdown.ts';

/** What a round of review came to. */
export interface RoundResult {
  /** The login of who asked. */
  readonly actor: string;
  readonly kind: 'review' | 'fix' | 'ci';
  readonly leftOut: number;
  /** The address of the repository in a browser. */
  readonly url: string;
  readonly marker: string;
  /** `head`: the commit that was pushed; null: no file was changed. */
  readonly end:
    | {
        readonly kind: 'answered';
        readonly head: string | null;
        readonly answers: readonly ThreadAnswer[];
        readonly summary: string;
      }
    | { readonly kind: 'failed'; readonly message: string; readonly hint: string | null };
}

/** One answer of at most this many characters, in Markdown that shows it as it is. */
const MAX_ANSWER = 2_000;

/** The review with which choo answers a round, and its replies in the threads. What agents wrote is shown and does nothing. Pure. */
export function renderRound(result: RoundResult): {
  readonly body: string;
  readonly replies: readonly { readonly thread: string; readonly body: string }[];
} {
  const { end, url, marker, leftOut } = result;
  const more =
    leftOut === 0
      ? ''
      : `${count(leftOut, 'more thread')} ${leftOut === 1 ? 'waits' : 'wait'}: \`/choo fix\` takes the next ones.`;
  if (end.kind === 'failed') {
    const sections = [
      `Nothing was pushed for ${nameOf(result)}: ${inline(end.message, 1_000)}.`,
      end.hint === null ? '' : `What to do: ${inline(end.hint, 500)}.`,
      'Its threads stay open. `/choo fix` makes another attempt; words behind it on the same line go to the agent.',
    ];
    return { body: join(sections, marker), replies: [] };
  }
  const { head, answers, summary } = end;
  const sections = [
    `${head === null ? 'No file was changed' : `${commitLink(url, head)} is pushed, and all gates passed there`}, for ${nameOf(result)}. ${countAnswers(answers)}`,
    summary === '' ? '' : `The agent says of it: ${inline(summary, MAX_ANSWER)}`,
    more,
  ];
  return {
    body: join(sections, marker),
    replies: answers.map((answer) => ({ thread: answer.thread, body: replyOf(answer, url, head) })),
  };
}

function join(sections: readonly string[], marker: string): string {
  return fit(
    sections.map((text) => ({ text, rank: 0, name: 'a part' })),
    marker,
  );
}

function nameOf({ actor, kind }: RoundResult): string {
  if (kind === 'ci') return 'the red checks of the repository';
  return `${kind === 'review' ? 'the review of' : 'the request of'} ${code(actor)}`;
}

function countAnswers(answers: readonly ThreadAnswer[]): string {
  if (answers.length === 0) return '';
  const of = (kind: ThreadAnswer['kind']): number => answers.filter((each) => each.kind === kind).length;
  const parts = [
    ...(of('fixed') > 0 ? [`${of('fixed')} fixed`] : []),
    ...(of('declined') > 0 ? [`${of('declined')} declined`] : []),
    ...(of('question') > 0 ? [count(of('question'), 'question')] : []),
  ];
  return `Of ${count(answers.length, 'thread')}: ${parts.join(', ')}.`;
}

function replyOf({ kind, text }: ThreadAnswer, url: string, head: string | null): string {
  const shown = inline(text, MAX_ANSWER);
  if (kind === 'fixed' && head !== null) return `**Fixed in ${commitLink(url, head)}.** ${shown}`;
  return kind === 'question' ? `**A question:** ${shown}` : `**Declined, because:** ${shown}`;
}

function commitLink(url: string, commit: string): string {
  return `[\`${commit.slice(0, 12)}\`](${url}/commit/${commit})`;
}
