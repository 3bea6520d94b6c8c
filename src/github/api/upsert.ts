import { createHash } from 'node:crypto';
import { statusOf } from './client.ts';

/** Earlier posts by key; see the post store. */
export interface Posts {
  find(key: string): Promise<{ readonly githubId: number | null; readonly hash: string | null } | undefined>;
  reserve(key: string): Promise<void>;
  save(key: string, githubId: number | null, hash: string | null): Promise<void>;
}

/** A short hash to compare content by. */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 22);
}

/** The desired state of a post. */
interface Wanted {
  readonly key: string;
  /** Everything that determines what is written, as JSON. */
  readonly content: unknown;
  /** Write it even when it is unchanged. */
  readonly always?: boolean;
}

/** How one kind of post is written. `id` is GitHub's number for it. */
interface Requests<T> {
  /** Finds a post whose creation was never answered. */
  readonly find: () => Promise<number | null>;
  /** Undefined: there is nothing to create. */
  readonly create: () => Promise<T | undefined>;
  /** When GitHub answers that it is gone (404, 410), a new one is created. */
  readonly update: (id: number) => Promise<T>;
}

/**
 * Writes one post to GitHub: done twice, even by two processes or after a crash, it exists once. Returns GitHub's answer, or
 * undefined when nothing was written: unchanged content costs no request.
 */
export async function upsert<T extends { readonly id: number }>(
  posts: Posts,
  { key, content, always = false }: Wanted,
  { find, create, update }: Requests<T>,
): Promise<T | undefined> {
  const hash = hashOf(content);
  const post = await posts.find(key);
  if (post?.githubId != null && post.hash === hash && !always) return undefined;
  // A row without a number: its creation was requested, with unknown result.
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
