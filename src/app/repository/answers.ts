import { marker } from '../../github/api/marker.ts';
import { hashOf } from '../../github/api/upsert.ts';
import { namesShellCommand, words } from '../../github/render/words.ts';
import type { HandlerServices, OpenRepository } from './open-repository.ts';

/** A longer sentence is cut. Characters. */
const MAX_SENTENCE = 2_000;

declare const made: unique symbol;

/** Markdown in sentences, each with a capital and a full stop, and with everything foreign escaped. Made only in this file. */
export type Answer = string & { readonly [made]: true };

/** Comments on a thread, once per key. */
export async function answer(
  { pr }: OpenRepository,
  { thread, key, text }: { readonly thread: number; readonly key: string; readonly text: Answer },
  { redact }: Pick<HandlerServices, 'redact'>,
): Promise<void> {
  const mark = marker('answer', hashOf(key));
  await pr.commentOnce(`answer:${key}`, thread, `${redact(text)}\n\n${mark}`, mark);
}

/** Answers a refused actor, once per actor and thread: strangers must not be able to make choo write at will. */
export async function refuse(
  repository: OpenRepository,
  { thread, who, reason }: { readonly thread: number; readonly who: number; readonly reason: string },
  services: Pick<HandlerServices, 'redact'>,
): Promise<void> {
  await answer(
    repository,
    { thread, key: `refused:${thread}:${who}`, text: refusal('Nothing was done', { message: reason }) },
    services,
  );
}

/**
 * Makes a sentence of text that may contain foreign names: a capital, a full stop, Markdown escaped. Code spans stay code, and
 * name a command of choo's as it is written in a comment.
 */
export function sentence(text: string): Answer {
  const begun = words(text, MAX_SENTENCE).replace(/^\p{Changes_When_Uppercased}/u, (letter) =>
    letter.toUpperCase(),
  );
  return (/[.!?]$/.test(begun) ? begun : `${begun}.`) as Answer;
}

/** Sentences, one after the other. */
export function sentences(...texts: readonly string[]): Answer {
  return texts.map(sentence).join(' ') as Answer;
}

/** Sentences, and choo's own table or list below them. */
export function sentenceAbove(text: string, block: string): Answer {
  return `${sentence(text)}\n\n${block}` as Answer;
}

/** A sentence that ends in a link. */
export function sentenceWithLink(text: string, url: string): Answer {
  return sentence(text).replace(/[.!?]$/, ` [here](${url}).`) as Answer;
}

/** Several answers as one, each a paragraph. */
export function paragraphs(answers: readonly Answer[]): Answer {
  return answers.join('\n\n') as Answer;
}

/** Says that a request is refused and why; a hint about a command that only the shell has is left out. */
export function refusal(
  what: string,
  { message, hint = '' }: { readonly message: string; readonly hint?: string | undefined },
): Answer {
  return sentences(`${what}: ${message}`, ...(hint === '' || namesShellCommand(hint) ? [] : [hint]));
}
