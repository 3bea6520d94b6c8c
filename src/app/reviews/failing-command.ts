import type { ReviewRequest } from '../../events/review-request.ts';
import { findCodeBlocks, findCodeSpans } from '../../text/markdown-code.ts';

/** A fence of a language in which commands are written, or a prompt before one. */
const SHELL_BLOCK = /^ {0,3}(?:`{3,}|~{3,})[ \t]*(?:sh|bash|shell|console|shell-session)\b|^[ \t]*\$ /m;
const FAILS = /\b(?:fail|fails|failed|failing|failure|red|error|errors|exit(?:s|ed)?)\b/i;

/**
 * Whether a text says that a command fails: it shows one, as a block of shell or as code with an argument, and has a word for
 * it. What a review bot has to show from its second round on.
 *
 * @internal
 */
export function namesFailingCommand(text: string): boolean {
  if (!FAILS.test(text)) return false;
  const blocks = findCodeBlocks(text, 0).map(({ start, end }) => text.slice(start, end));
  if (blocks.some((block) => SHELL_BLOCK.test(block))) return true;
  return findCodeSpans(text).some(({ start, end }) =>
    /^`+[ \t]*[\w./-]+[ \t]+\S/.test(text.slice(start, end)),
  );
}

/** Of what a bot asks for, what names a failing command; undefined: nothing does. */
export function onlyFailing<Content extends Omit<ReviewRequest, 'round'>>(
  content: Content,
): Content | undefined {
  const words = content.words !== null && namesFailingCommand(content.words) ? content.words : null;
  const threads = content.threads.filter(({ comments }) => namesFailingCommand(comments.at(-1)?.body ?? ''));
  return words === null && threads.length === 0 ? undefined : { ...content, words, threads };
}
