import { z } from 'zod';
import type { AgentEvent, TokenCount } from './provider.ts';

/**
 * The maximum length of an event's text. Characters; a longer text is cut and ends in `…`.
 *
 * @internal
 */
export const MAX_TEXT = 8_000;
/** The maximum length of a tool call's detail. Characters. */
const MAX_DETAIL = 400;

// Fields of lines, whose format the CLIs do not guarantee: a value of another type counts as absent.

export const optionalText = z.string().optional().catch(undefined);
export const optionalFlag = z.boolean().optional().catch(undefined);
/** An HTTP status; null or absent when there was no answer. */
export const optionalStatus = z.int().optional().catch(undefined);
/** A count; a value that is negative, not an integer or unsafe reads as 0. */
export const count = z.int().nonnegative().catch(0);
export const dollars = z.number().nonnegative().optional().catch(undefined);
/** Any value, or none: `z.unknown()` alone requires the key. */
export const anything = z.unknown().optional();
export const anyList = z.array(z.unknown()).catch([]);

/** Reads one line of JSON by a schema; undefined for any other line. Never throws. */
export function readLine<T>(line: string, schema: z.ZodType<T>): T | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return readValue(JSON.parse(line), schema);
  } catch {
    return undefined;
  }
}

/** Reads a part of a line by a schema; undefined when it does not fit. */
export function readValue<T>(value: unknown, schema: z.ZodType<T>): T | undefined {
  const read = schema.safeParse(value);
  return read.success ? read.data : undefined;
}

/** Cuts a text to a number of characters, never inside a surrogate pair. */
export function cut(text: string, most: number = MAX_TEXT): string {
  if (text.length <= most) return text;
  const kept = text.slice(0, most - 1);
  return `${/[\uD800-\uDBFF]$/.test(kept) ? kept.slice(0, -1) : kept}…`;
}

/** A text event; none for blank text. */
export function textEvents(text: string | undefined): readonly AgentEvent[] {
  return text === undefined || text.trim() === '' ? [] : [{ type: 'text', text: cut(text) }];
}

/** The most informative inputs of tools, by the CLIs' names, in order of preference. */
const DETAIL_KEYS = ['command', 'file_path', 'filePath', 'path', 'pattern', 'query', 'url', 'description'];
const toolInput = z.record(z.string(), z.unknown());

/** A tool event. `input` comes from the model and may be anything. */
export function toolEvent(name: string, input: unknown): AgentEvent {
  const fields = typeof input === 'string' ? { command: input } : readValue(input, toolInput);
  const detail = DETAIL_KEYS.map((key) => fields?.[key]).find((value) => typeof value === 'string');
  return {
    type: 'tool',
    name: cut(name, 100),
    detail: cut(typeof detail === 'string' ? detail : '', MAX_DETAIL),
  };
}

export const NO_TOKENS: TokenCount = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };

/** Adds token counts. Sums stay safe integers, whatever a stream claims. */
export function addTokens(one: TokenCount, other: TokenCount): TokenCount {
  return {
    input: add(one.input, other.input),
    output: add(one.output, other.output),
    cacheRead: add(one.cacheRead, other.cacheRead),
    cacheWrite: add(one.cacheWrite, other.cacheWrite),
  };
}

function add(one: number, other: number): number {
  return Math.min(one + other, Number.MAX_SAFE_INTEGER);
}

export function isNone(tokens: TokenCount): boolean {
  return tokens.input + tokens.output + tokens.cacheRead + tokens.cacheWrite === 0;
}
