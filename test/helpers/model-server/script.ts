import type { TokenCount } from '../../../src/provider/provider.ts';

/**
 * What a scripted model says. The first rule whose pattern fits the prompt plays its steps, one for each turn; a prompt
 * that fits none is answered with status 400.
 */
export interface ModelScript {
  readonly rules: readonly Rule[];
  /** The only key that is let in; without it, any. */
  readonly key?: string;
  /** What a step costs that does not say it itself. */
  readonly usage?: Partial<TokenCount>;
}

export interface Rule {
  readonly match: RegExp;
  /** After the last one the model says `done`. */
  readonly steps: readonly Step[];
}

/** One turn. `write` and `bash` ask the CLI to use its own tools, and wait for what they return. */
export type Step = Action & {
  /** Text in front of a tool's call. */
  readonly say?: string;
  readonly usage?: Partial<TokenCount>;
};

type Action =
  | { readonly write: { readonly path: string; readonly content: string } }
  | { readonly bash: string }
  /** Ends the conversation. */
  | { readonly text: string }
  /** The model will not. */
  | { readonly refusal: string }
  /** A text that the limit of output tokens cut short. */
  | { readonly halfText: string }
  | { readonly error: HttpError }
  /** An error event in a stream that began well; a request that wants no stream gets status 529. */
  | { readonly streamError: { readonly type: string; readonly message: string } }
  /** The request is taken and never answered. */
  | { readonly hang: true }
  /** The connection is cut in the middle of the answer. */
  | { readonly cut: true };

export interface HttpError {
  readonly status: number;
  readonly type: string;
  readonly message: string;
  /** How often for one prompt, before the next step is played; without it, for ever. */
  readonly times?: number;
  /** Seconds, for the header of that name. */
  readonly retryAfter?: number;
  /** More fields of the error, such as when a limit ends. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** What a request that no rule fits is answered with. */
export const NO_RULE: Step = {
  error: { status: 400, type: 'invalid_request_error', message: 'no rule of the script fits this prompt' },
};

/** What a request without tools is answered with: CLIs ask for titles and summaries on the side. */
export const ASIDE: Step = { text: 'a conversation', usage: {} };
