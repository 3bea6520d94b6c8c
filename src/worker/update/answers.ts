import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import {
  MAX_ANSWER_LENGTH,
  MAX_ANSWERS,
  type ReviewRequest,
  type ThreadAnswer,
} from '../../events/review-request.ts';
import { removeTree } from '../../system/remove-tree.ts';
import { cut } from '../../text/cut.ts';
import { stripHidden } from '../../text/hidden-text.ts';

/** A larger file is no answers. Bytes. */
const MAX_BYTES = 1024 * 1024;

/** What an agent wrote, or why it counts for nothing. */
type Written =
  | {
      readonly kind: 'written';
      readonly answers: ReadonlyMap<string, Omit<ThreadAnswer, 'thread'>>;
      readonly summary: string;
    }
  | { readonly kind: 'none'; readonly reason: string };

export interface Answers {
  readonly answers: readonly ThreadAnswer[];
  readonly summary: string;
}

/**
 * Reads the file that an agent was told to write its answers to, and removes it, whatever it is. It must be a file of its own:
 * a link could make choo tell what only choo may read. Call it once the agent's processes have ended.
 */
export async function takeAnswers(path: string): Promise<Written> {
  try {
    const text = await readOwnFile(path);
    return typeof text === 'string' ? parseAnswers(text) : { kind: 'none', reason: text.reason };
  } finally {
    await removeTree(path);
  }
}

async function readOwnFile(path: string): Promise<string | { readonly reason: string }> {
  let file: FileHandle;
  try {
    // Does not wait for a writer of a pipe.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return { reason: isMissing ? 'the agent wrote none' : 'what the agent left there is no file' };
  }
  await using handle = file;
  const stats = await handle.stat();
  if (!stats.isFile() || stats.nlink !== 1)
    return { reason: 'what the agent left there is no file of its own' };
  if (stats.size > MAX_BYTES) return { reason: 'the file of the answers was too large' };
  const buffer = Buffer.alloc(MAX_BYTES);
  const { bytesRead } = await handle.read(buffer, 0, MAX_BYTES, 0);
  return buffer.toString('utf8', 0, bytesRead);
}

const kind = z.enum(['fixed', 'declined', 'question']);
const answer = z.object({ thread: z.string(), kind, text: z.string() });
const file = z.object({ answers: z.array(z.unknown()).default([]), summary: z.string().default('') });

/**
 * Parses the answers: those that are well formed count, and of several for one thread the first.
 *
 * @internal
 */
export function parseAnswers(text: string): Written {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'none', reason: 'the file of the answers was no JSON' };
  }
  const parsed = file.safeParse(value);
  if (!parsed.success) return { kind: 'none', reason: 'the file of the answers had another form' };
  const answers = new Map<string, Omit<ThreadAnswer, 'thread'>>();
  for (const each of parsed.data.answers) {
    const one = answer.safeParse(each);
    if (one.success && !answers.has(one.data.thread))
      answers.set(one.data.thread, { kind: one.data.kind, text: readable(one.data.text) });
  }
  return { kind: 'written', answers, summary: readable(parsed.data.summary) };
}

/**
 * One answer for each thread of a round, in its order: the agent's, as far as it is true. A thread without one becomes a question
 * in choo's words; what is said to be fixed, though nothing was changed, is declined. Pure.
 */
export function settleAnswers(
  threads: ReviewRequest['threads'],
  written: Written,
  { hasChanged }: { readonly hasChanged: boolean },
): Answers {
  const answers = threads.slice(0, MAX_ANSWERS).map(({ id }): ThreadAnswer => {
    const given = written.kind === 'written' ? written.answers.get(id) : undefined;
    if (given === undefined) {
      const reason = written.kind === 'none' ? ` (${written.reason})` : '';
      return {
        thread: id,
        kind: 'question',
        text: `No answer was given${reason}. Should this be looked at again?`,
      };
    }
    if (given.kind === 'fixed' && !hasChanged)
      return {
        thread: id,
        kind: 'declined',
        text: cut(`No file was changed, although the agent wrote: ${given.text}`, MAX_ANSWER_LENGTH),
      };
    return { thread: id, ...given };
  });
  return { answers, summary: written.kind === 'written' ? written.summary : '' };
}

function readable(text: string): string {
  return cut(stripHidden(text).trim(), MAX_ANSWER_LENGTH);
}
