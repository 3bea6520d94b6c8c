import { createHash } from 'node:crypto';
import { statusOf } from './client.ts';

/** What was written before, by what it is. See the store's post-book. */
export interface Posts {
  find(key: string): Promise<{ readonly githubId: number | null; readonly hash: string | null } | undefined>;
  reserve(key: string): Promise<void>;
  save(key: string, githubId: number | null, hash: string | null): Promise<void>;
}

/** What a text says, as something short to compare. */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 22);
}

/** A thing as it shall be on GitHub. */
interface Wanted {
  readonly key: string;
  /** All that decides what is written; anything that survives JSON. */
  readonly content: unknown;
  /** Write it even when it stands there already. */
  readonly always?: boolean;
}

/** How one kind of thing is written. `id` is GitHub's number for it. */
interface Requests<T> {
  /** Looks for one that was made before, when the answer to its creation was lost. */
  readonly find: () => Promise<number | null>;
  /** Undefined: there is nothing to create. */
  readonly create: () => Promise<T | undefined>;
  /** When GitHub answers that it is gone (404, 410), another one is made. */
  readonly update: (id: number) => Promise<T>;
}

/**
 * Writes one thing to GitHub: asked for twice, even by two processes or after a crash, it is there once. Returns what GitHub
 * answered, or undefined when nothing was written: what stands there already costs no request.
 */
export async function upsert<T extends { readonly id: number }>(
  posts: Posts,
  { key, content, always = false }: Wanted,
  { find, create, update }: Requests<T>,
): Promise<T | undefined> {
  const hash = hashOf(content);
  const post = await posts.find(key);
  if (post?.githubId != null && post.hash === hash && !always) return undefined;
  // A row without a number: its creation was asked for, and it is not known what came of that.
  const id = post === undefined ? null : (post.githubId ?? (await find()));
  let written = id === null ? undefined : await update(id).catch(unlessGone);
  if (written === undefined) {
    await posts.reserve(key);
    written = await create();
    if (written === undefined) return undefined;
  }
  await posts.save(key, written.id, hash);
  return written;
}

function unlessGone(error: unknown): undefined {
  if (![404, 410].includes(statusOf(error) ?? 0)) throw error;
}
