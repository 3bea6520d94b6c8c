import { z } from 'zod';

/** What a round of review asks for, frozen when it was asked. All of it is other people's text. */
export interface ReviewRequest {
  /** The id of its row in `review_rounds`. */
  readonly round: string;
  /** The words of the request or of the review itself; null: none. */
  readonly words: string | null;
  readonly threads: readonly ReviewThread[];
  /** The repository's own red checks on the head. */
  readonly checks: readonly RedCheck[];
}

/** One conversation on the unit's change. `path` null: on all of it; `line` null: on the whole file. */
export interface ReviewThread {
  readonly id: string;
  readonly path: string | null;
  readonly line: number | null;
  /** The part of the diff that it is on, as GitHub shows it. */
  readonly hunk: string | null;
  /** Oldest first. */
  readonly comments: readonly { readonly author: string; readonly body: string }[];
}

export interface RedCheck {
  readonly name: string;
  readonly summary: string;
  readonly annotations: readonly {
    readonly path: string;
    readonly line: number;
    readonly message: string;
  }[];
}

/** The threads of one round that are answered; further ones wait for the next. */
export const MAX_ANSWERS = 100;
/** UTF-16 code units of one answer; longer ones are cut before they become an event. */
export const MAX_ANSWER_LENGTH = 2_000;

/** The answer to one thread, by its id. */
const threadAnswer = z.object({
  thread: z.string().min(1),
  kind: z.enum(['fixed', 'declined', 'question']),
  text: z.string(),
});
export type ThreadAnswer = z.output<typeof threadAnswer>;

/** What the agent of a round says of it: one answer for each thread, and of all of it. */
export const reviewAnswers = { answers: z.array(threadAnswer).max(MAX_ANSWERS), summary: z.string() };
