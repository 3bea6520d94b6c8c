import { marker } from '../../github/api/marker.ts';
import { hashOf } from '../../github/api/upsert.ts';
import { code, inline } from '../../github/render/markdown.ts';
import type { HandlerServices, OpenRepository } from './open-repository.ts';

/** Comments on a thread, once per key. `text`: choo's own Markdown; everything foreign in it must be escaped. */
export async function answer(
  { pr }: OpenRepository,
  { thread, key, text }: { readonly thread: number; readonly key: string; readonly text: string },
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
    { thread, key: `refused:${thread}:${who}`, text: `Nothing was done: ${sentence(reason)}` },
    services,
  );
}

/** Turns text that may contain foreign names into one sentence with Markdown escaped. Code spans stay code. */
export function sentence(text: string): string {
  const parts = text.split(/(`[^`]*`)/);
  const shown = parts.map((part) =>
    part.startsWith('`') && part.endsWith('`') && part.length > 1 ? code(part.slice(1, -1)) : between(part),
  );
  const joined = shown.join('').trim();
  return /[.!?]$/.test(joined) ? joined : `${joined}.`;
}

/** Escapes the text between code spans; keeps the spaces at its ends. */
function between(text: string): string {
  const shown = inline(text);
  return shown === '' ? ' ' : `${/^\s/.test(text) ? ' ' : ''}${shown}${/\s$/.test(text) ? ' ' : ''}`;
}
