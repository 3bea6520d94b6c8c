import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { followFile } from '../../system/follow-file.ts';
import { readText } from '../../system/lock-file.ts';
import type { LockOwner } from './journal-lock.ts';

const units = z.array(z.string().max(1_000)).max(10_000).readonly();

const requestSchema = z.object({
  /** The process it is for. A later process does not serve the requests to a dead one. */
  to: z.string(),
  kind: z.enum(['cancel', 'skip', 'retry']),
  units,
  actor: z.string().max(1_000),
  fresh: z.boolean(),
  from: z.int().min(1).nullable(),
});

/** A request to the process that executes a run. */
export type RunRequest = Readonly<Omit<z.output<typeof requestSchema>, 'to'>>;

const answerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('done'), units }),
  z.object({
    kind: z.literal('refused'),
    code: z.enum(['usage', 'conflict']),
    message: z.string(),
    hint: z.string().nullable(),
  }),
  /** The run had ended: its process works on nothing any more. */
  z.object({ kind: z.literal('ended') }),
]);

/** The answer of the process that executes the run. */
export type RunAnswer = Readonly<z.output<typeof answerSchema>>;

/** Limit for the file of a request. Bytes. */
const MAX_REQUEST_BYTES = 1_000_000;

/** A request that was left for a process. */
export interface PostedRequest extends AsyncDisposable {
  /** The answer; undefined: none yet. */
  readonly answer: () => Promise<RunAnswer | undefined>;
}

/**
 * Leaves a request for the process that executes a run, in the directory of the run's requests. Disposing withdraws it, or
 * removes its answer.
 */
export async function postRequest(
  directory: string,
  owner: LockOwner,
  request: RunRequest,
): Promise<PostedRequest> {
  const path = join(directory, randomUUID());
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeWhole(`${path}.request`, { ...request, to: addressOf(owner) });
  return {
    answer: async () => {
      const text = await readText(`${path}.answer`);
      return text === undefined ? undefined : answerSchema.parse(JSON.parse(text));
    },
    [Symbol.asyncDispose]: async () => {
      for (const end of ['request', 'taken', 'answer']) await rm(`${path}.${end}`, { force: true });
    },
  };
}

/**
 * Serves the requests to a process, one after the other, until the signal, and answers each with the result of `act`, which
 * must not throw. Requests to other processes are removed.
 */
export async function serveRequests(
  { directory, owner, signal }: { directory: string; owner: LockOwner; signal: AbortSignal },
  act: (request: RunRequest) => Promise<RunAnswer>,
): Promise<void> {
  await followFile({ path: join(directory, 'any'), below: dirname(directory), signal }, async () => {
    const names = await readdir(directory).catch(() => []);
    for (const name of names.filter((each) => each.endsWith('.request')).sort()) {
      if (signal.aborted) return;
      const path = join(directory, name.slice(0, -'.request'.length));
      const request = await readRequest(`${path}.request`, addressOf(owner));
      // The rename decides: either the request was withdrawn before, or it is taken.
      const taken = await rename(`${path}.request`, `${path}.taken`).then(
        () => true,
        () => false,
      );
      if (taken && request !== undefined) await writeWhole(`${path}.answer`, await act(request));
      await rm(`${path}.taken`, { force: true });
    }
  });
}

async function readRequest(path: string, address: string): Promise<RunRequest | undefined> {
  try {
    if ((await stat(path)).size > MAX_REQUEST_BYTES) return undefined;
    const { to, ...request } = requestSchema.parse(JSON.parse((await readText(path)) ?? ''));
    return to === address ? request : undefined;
  } catch {
    return undefined;
  }
}

/** Identifies the process among all that held the lock, or will. */
function addressOf({ host, pid, start, since }: LockOwner): string {
  return JSON.stringify([host, pid, start, since]);
}

/** Writes a file atomically. */
async function writeWhole(path: string, value: unknown): Promise<void> {
  const temporary = `${path}.part`;
  await writeFile(temporary, JSON.stringify(value), { mode: 0o600 });
  await rename(temporary, path);
}
