import type { ServerResponse } from 'node:http';
import type { TokenCount } from '../../../src/provider/provider.ts';
import type { Conversation, Json } from './conversation.ts';
import type { Step } from './script.ts';

/** How one vendor's endpoint reads and answers. */
export interface WireFormat {
  readConversation(body: Json): Conversation;
  /** The body of an answer that is an error. */
  errorBody(error: { readonly type: string; readonly message: string }): object;
  /** Plays a step that is neither `error` nor `hang`. */
  answer(response: ServerResponse, answer: Answer): void;
}

export interface Answer {
  readonly body: Json;
  readonly conversation: Conversation;
  readonly step: Step;
  readonly usage: TokenCount;
}
