import { isAbsolute } from 'node:path';
import { z } from 'zod';
import type { Origin } from '../branches.ts';
import { visible } from '../remote-address.ts';
import type { Pointer } from './pointer.ts';

/** The most objects that one request names; hosts take no more. */
const BATCH = 100;
/** How long a host may take to answer, before it sends a content. Milliseconds. */
const ANSWER_MS = 60_000;
/** The most of an answer that is read: it names a few addresses for each object. Bytes. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const JSON_TYPE = 'application/vnd.git-lfs+json';

const answerOf = z.object({
  transfer: z.literal('basic').optional(),
  objects: z.array(
    z.object({
      oid: z.string(),
      actions: z
        .object({
          download: z
            .object({ href: z.url(), header: z.record(z.string(), z.string()).optional() })
            .optional(),
        })
        .optional(),
      error: z.object({ message: z.string().optional() }).optional(),
    }),
  ),
});

/** A content on its way, or why there is none. */
export type Sent =
  | { readonly kind: 'content'; readonly pointer: Pointer; readonly parts: AsyncIterable<Uint8Array> }
  | { readonly kind: 'refused'; readonly pointer: Pointer; readonly reason: string };

/**
 * Where the host of a remote says what contents it has, as Git LFS finds it without any setting; undefined: it is not reached by
 * https.
 */
export function lfsEndpoint(remote: string): string | undefined {
  if (isAbsolute(remote) || !/^https?:/.test(remote)) return undefined;
  let end = remote.length;
  while (remote[end - 1] === '/') end -= 1;
  const address = remote.slice(0, end);
  return `${address.endsWith('.git') ? address : `${address}.git`}/info/lfs`;
}

/**
 * Asks the host of a remote for contents, one after the other. No repository decides what is asked: the address follows from the
 * remote, the credentials go to it alone, and neither answer may lead elsewhere by a redirection. Where the host keeps the
 * contents it says itself, by https unless it has none.
 */
export async function* askHost(
  pointers: readonly Pointer[],
  endpoint: string,
  { authorization, signal }: Pick<Origin, 'authorization'> & { readonly signal: AbortSignal },
): AsyncGenerator<Sent> {
  const own = authorization === undefined ? {} : { Authorization: authorization };
  const ask = async (url: string, init: RequestInit): Promise<Response> =>
    fetchWithin(url, { ...init, redirect: 'error', signal });
  for (let at = 0; at < pointers.length; at += BATCH) {
    const batch = pointers.slice(at, at + BATCH);
    const answer = await ask(`${endpoint}/objects/batch`, {
      method: 'POST',
      headers: { ...own, Accept: JSON_TYPE, 'Content-Type': JSON_TYPE },
      body: JSON.stringify({ operation: 'download', transfers: ['basic'], objects: batch }),
    });
    if (!answer.ok) {
      await answer.body?.cancel();
      for (const pointer of batch)
        yield { kind: 'refused', pointer, reason: `the host answers ${answer.status}` };
      continue;
    }
    const { objects } = answerOf.parse(JSON.parse(await readText(answer)));
    for (const pointer of batch) {
      const found = objects.find(({ oid }) => oid === pointer.oid);
      const from = found?.actions?.download;
      if (from === undefined) {
        const reason = visible(found?.error?.message ?? 'the host does not have it').slice(0, 200);
        yield { kind: 'refused', pointer, reason };
        continue;
      }
      const { protocol, origin } = new URL(from.href);
      if (protocol !== 'https:' && protocol !== new URL(endpoint).protocol) {
        yield { kind: 'refused', pointer, reason: 'the host names an address without encryption' };
        continue;
      }
      const isSame = origin === new URL(endpoint).origin;
      const sent = await ask(from.href, { headers: from.header ?? (isSame ? own : {}) });
      if (sent.ok && sent.body !== null) yield { kind: 'content', pointer, parts: sent.body };
      else yield { kind: 'refused', pointer, reason: `${new URL(from.href).host} answers ${sent.status}` };
    }
  }
}

async function fetchWithin(
  url: string,
  init: RequestInit & { readonly signal: AbortSignal },
): Promise<Response> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error('it did not answer')), ANSWER_MS);
  try {
    return await fetch(url, { ...init, signal: AbortSignal.any([init.signal, late.signal]) });
  } finally {
    clearTimeout(timer);
  }
}

async function readText(answer: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of answer.body ?? []) {
    bytes += part.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error('its answer is too long');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
