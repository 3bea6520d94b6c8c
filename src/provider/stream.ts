import { z } from 'zod';
import type { AgentEvent, TokenCount } from './provider.ts';

/**
 * The longest text of an event. Characters; what is longer is cut and ends in `…`.
 *
 * @internal
 */
export const MAX_TEXT = 8_000;
/** The longest detail of a tool call. Characters. */
const MAX_DETAIL = 400;

// Fields of lines that nobody promised anything about: a value of another type reads as if it were absent.

export const optionalText = z.string().optional().catch(undefined);
export const optionalFlag = z.boolean().optional().catch(undefined);
/** An HTTP status, or null or nothing where there was no answer. */
export const optionalStatus = z.int().optional().catch(undefined);
/** How many of something; what is negative, broken or not safe to count with is none. */
export const count = z.int().nonnegative().catch(0);
export const dollars = z.number().nonnegative().optional().catch(undefined);
/** A key that may be missing: `z.unknown()` alone asks for it. */
export const anything = z.unknown().optional();
export const anyList = z.array(z.unknown()).catch([]);

/** One line of JSON as the schema's value; undefined for every other line. Never throws. */
export function readLine<T>(line: string, schema: z.ZodType<T>): T | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return readValue(JSON.parse(line), schema);
  } catch {
    return undefined;
  }
}

/** A part of a line as the schema's value; undefined when it is something else. */
export function readValue<T>(value: unknown, schema: z.ZodType<T>): T | undefined {
  const read = schema.safeParse(value);
  return read.success ? read.data : undefined;
}

/** The text, or its beginning. Never ends in half a character. */
export function cut(text: string, most: number = MAX_TEXT): string {
  if (text.length <= most) return text;
  const kept = text.slice(0, most - 1);
  return `${/[\uD800-\uDBFF]$/.test(kept) ? kept.slice(0, -1) : kept}…`;
}

/** A text event; none for blank text. */
export function textEvents(text: string | undefined): readonly AgentEvent[] {
  return text === undefined || text.trim() === '' ? [] : [{ type: 'text', text: cut(text) }];
}

/** What a tool was called with that tells a reader most, in the words of the CLIs. */
const TELLING = ['command', 'file_path', 'filePath', 'path', 'pattern', 'query', 'url', 'description'];
const toolInput = z.record(z.string(), z.unknown());

/** A tool event; `input` is whatever the model gave the tool. */
export function toolEvent(name: string, input: unknown): AgentEvent {
  const fields = typeof input === 'string' ? { command: input } : readValue(input, toolInput);
  const detail = TELLING.map((key) => fields?.[key]).find((value) => typeof value === 'string');
  return {
    type: 'tool',
    name: cut(name, 100),
    detail: cut(typeof detail === 'string' ? detail : '', MAX_DETAIL),
  };
}

export const NO_TOKENS: TokenCount = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };

/** Sums that stay numbers one can count with, whatever a stream claims. */
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
