import { marker } from '../../github/api/marker.ts';
import { hashOf } from '../../github/api/upsert.ts';
import { code, inline } from '../../github/render/markdown.ts';
import type { HandlerServices, OpenRepository } from './open-repository.ts';

/** Says something on a thread, once for a key. `text` is Markdown of choo's own, with all that is not its own made harmless. */
export async function answer(
  { pr }: OpenRepository,
  { thread, key, text }: { readonly thread: number; readonly key: string; readonly text: string },
  { redact }: Pick<HandlerServices, 'redact'>,
): Promise<void> {
  const mark = marker('answer', hashOf(key));
  await pr.commentOnce(`answer:${key}`, thread, `${redact(text)}\n\n${mark}`, mark);
}

/** Why somebody is not heard. Said once to each on a thread: whoever is not heard must not make choo talk. */
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

/** Words that may hold names from anywhere, as one sentence that is shown as it is written. Code stays code. */
export function sentence(text: string): string {
  const parts = text.split(/(`[^`]*`)/);
  const shown = parts.map((part) =>
    part.startsWith('`') && part.endsWith('`') && part.length > 1 ? code(part.slice(1, -1)) : between(part),
  );
  const joined = shown.join('').trim();
  return /[.!?]$/.test(joined) ? joined : `${joined}.`;
}

/** Words beside code, with the blanks that set them apart. */
function between(text: string): string {
  const shown = inline(text);
  return shown === '' ? ' ' : `${/^\s/.test(text) ? ' ' : ''}${shown}${/\s$/.test(text) ? ' ' : ''}`;
}
