import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { RateLimitedError, statusOf } from './client.ts';

/** Earlier posts by key; see the post store. */
export interface Posts {
  find(key: string): Promise<{ readonly githubId: number | null; readonly hash: string | null } | undefined>;
  reserve(key: string, gone: number | null): Promise<'new' | 'again' | undefined>;
  release(key: string): Promise<void>;
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

/** How long a creation by another process is waited for, and how often it is looked at. Milliseconds. */
const WAIT_MS = 10_000;
const POLL_MS = 100;

/**
 * Writes one post to GitHub: done twice, even by two processes at the same moment or after a crash, it exists once. Returns
 * GitHub's answer, or undefined when nothing was written: unchanged content costs no request. Throws a
 * {@link RateLimitedError} when another process does not finish its creation in time.
 */
export async function upsert<T extends { readonly id: number }>(
  posts: Posts,
  { key, content, always = false }: Wanted,
  { find, create, update }: Requests<T>,
): Promise<T | undefined> {
  const hash = hashOf(content);
  const end = performance.now() + WAIT_MS;
  let gone: number | null = null;
  let reserved: 'new' | 'again' | undefined;
  for (;;) {
    const post = await posts.find(key);
    const id = post?.githubId ?? null;
    if (id !== null && id !== gone) {
      if (post?.hash === hash && !always) return undefined;
      const written = await update(id).catch(unlessGone);
      if (written !== undefined) {
        await posts.save(key, id, hash);
        return written;
      }
      gone = id;
    }
    reserved = await posts.reserve(key, gone);
    if (reserved !== undefined) break;
    if (performance.now() > end)
      throw new RateLimitedError('another process writes this', new Date(Date.now() + 1_000));
    await wait(POLL_MS);
  }
  try {
    // Its creation may have been requested before, with unknown result.
    const id = reserved === 'new' ? null : await find();
    let written = id === null ? undefined : await update(id).catch(unlessGone);
    written ??= await create();
    if (written === undefined) await posts.release(key);
    else await posts.save(key, written.id, hash);
    return written;
  } catch (error) {
    await posts.release(key);
    throw error;
  }
}

function unlessGone(error: unknown): undefined {
  if (![404, 410].includes(statusOf(error) ?? 0)) throw error;
}
