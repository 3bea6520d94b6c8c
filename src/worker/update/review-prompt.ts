import type { Unit } from '../../discovery/unit.ts';
import { MAX_ANSWERS, type ReviewRequest, type ReviewThread } from '../../events/review-request.ts';
import { oneLine, RULES } from '../../provider/prompt.ts';
import { MAX_PATCH } from './resolve-prompt.ts';
import { Quotation } from './quotation.ts';
import { specsText } from './specs-text.ts';

/** A round of review on a unit's pull request. */
export interface ReviewPrompt {
  readonly unit: Unit;
  readonly request: ReviewRequest;
  /** The unit's change so far, as a patch. */
  readonly patch: string;
  /** Where the answers go, from the directory in which the agent works. */
  readonly answersPath: string;
}

/** What is quoted at most: comments of one thread, red checks, annotations of one; and UTF-16 code units. */
const MAX_COMMENTS = 20;
const MAX_CHECKS = 20;
const MAX_ANNOTATIONS = 20;
const MAX_WORDS = 4_000;
const MAX_HUNK = 3_000;

/** The prompt for the one attempt of a round of review. Only the word of the quotation is random. */
export function reviewPrompt(
  { unit, request, patch, answersPath }: ReviewPrompt,
  quotation = new Quotation(),
): string {
  const { words, checks } = request;
  const threads = request.threads.slice(0, MAX_ANSWERS);
  return `${[
    `# Your task: answer a review`,
    [
      `- Unit: \`${unit.id}\` (${oneLine(unit.title)}), whose tasks are all done`,
      '- What to do: change the code as the review asks, where it is right, and answer every thread',
      '- Attempt: the only one',
    ].join('\n'),
    RULES,
    'Every gate of the unit is run on the result, not only one.',
    answersRule(answersPath, threads.length),
    quotation.rule,
    ...(words === null || words.trim() === ''
      ? []
      : [`## The review\n\n${quotation.words('words of a reviewer', words, MAX_WORDS)}`]),
    ...threads.map((thread) => threadText(thread, quotation)),
    ...checks.slice(0, MAX_CHECKS).map((check) => checkText(check, quotation)),
    specsText(unit),
    `## What the unit changed so far\n\n${quotation.code('the patch of the unit', patch, MAX_PATCH)}`,
  ].join('\n\n')}\n`;
}

/** For the prompt of a task of work that starts over: what reviewers said of it before. Only the word of the quotation is random. */
export function feedbackText({ words, threads }: ReviewRequest, quotation = new Quotation()): string {
  return `${[
    '## What reviewers said of the work before, which was thrown away\n\nNo answer is expected. Do not make the same mistakes again.',
    quotation.rule,
    ...(words === null ? [] : [quotation.words('words of reviewers', words, MAX_WORDS)]),
    ...threads.slice(0, MAX_ANSWERS).map((thread) => threadText(thread, quotation)),
  ].join('\n\n')}\n`;
}

function answersRule(path: string, threads: number): string {
  if (threads === 0)
    return `## Your answer

Before you stop, write what you did, in at most three sentences, to \`${path}\`, as JSON: \`{"summary": "…"}\`. That file is read
and removed.`;
  return `## Your answers

Before you stop, write one answer for each thread to \`${path}\`, as JSON:

\`\`\`json
{
  "answers": [
    { "thread": "the thread's id", "kind": "fixed", "text": "what you changed" },
    { "thread": "another id", "kind": "declined", "text": "why it should stay as it is" },
    { "thread": "a third id", "kind": "question", "text": "what you have to know first" }
  ],
  "summary": "what you did, in at most three sentences"
}
\`\`\`

The reviewers read each text under their own. That file is read and removed.`;
}

function threadText({ id, path, line, hunk, comments }: ReviewThread, quotation: Quotation): string {
  const file = path === null ? 'on the whole change' : `on \`${oneLine(path)}\``;
  const left = comments.length - MAX_COMMENTS;
  return [
    `## Thread \`${oneLine(id)}\`, ${file}${line === null ? '' : `, line ${line}`}`,
    ...(hunk === null ? [] : [quotation.code('the code that it is on', hunk, MAX_HUNK)]),
    ...(left > 0 ? [`[${left} earlier comments are left out]`] : []),
    ...comments
      .slice(-MAX_COMMENTS)
      .map(({ author, body }) =>
        quotation.words(`words of ${oneLine(author).slice(0, 80)}`, body, MAX_WORDS),
      ),
  ].join('\n\n');
}

function checkText(
  { name, summary, annotations }: ReviewRequest['checks'][number],
  quotation: Quotation,
): string {
  const lines = annotations
    .slice(0, MAX_ANNOTATIONS)
    .map(({ path, line, message }) => `${path}:${line}: ${message}`);
  return `## A red check of the repository\n\n${quotation.words('its name, summary and annotations', [name, summary, ...lines].join('\n'), MAX_WORDS)}`;
}
