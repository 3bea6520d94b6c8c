/** What a request says, whichever wire format it came in. */
export interface Conversation {
  /** What the user wrote, without what the CLI put around it. */
  readonly prompt: string;
  /** What each tool call returned so far, in order. */
  readonly results: readonly string[];
  readonly tools: readonly Tool[];
  /** Where the CLI works, when it told the model. */
  readonly cwd: string | undefined;
}

/** A tool that the CLI offers. One with a `namespace` is called with it. */
export interface Tool {
  readonly name: string;
  readonly kind: 'function' | 'custom';
  readonly namespace?: string;
}

export type Json = { readonly [key: string]: unknown };

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The objects of a list; none of anything else. */
export function objectsOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter(isJson) : [];
}

/** The text of a message's content, a string or a list of blocks. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return objectsOf(content)
    .flatMap(({ text }) => (typeof text === 'string' ? [text] : []))
    .join('\n');
}

/** The directory that some text for the model names as the one it works in. */
export function findCwd(text: string): string | undefined {
  return /(?:<cwd>|working directory(?: is)?:? )(\/[^\s<"'`]+)/i.exec(text)?.[1];
}
