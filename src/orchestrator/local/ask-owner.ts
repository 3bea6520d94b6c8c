import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { ChooError } from '../../errors.ts';
import { heldBy, type LockOwner, readLock } from '../../store/journal/journal-lock.ts';
import { Journal } from '../../store/journal/journal.ts';
import { postRequest, type RunAnswer, type RunRequest } from '../../store/journal/run-requests.ts';
import { isProcessAlive } from '../../system/process-identity.ts';
import { send } from '../../system/process-tree.ts';

/** Time limits of a request. Milliseconds. */
export interface AskTimes {
  /** For the answer to a request to end the run; then the process is killed. */
  readonly cancelMs: number;
  /** For the answer to any other request; then an error is thrown. */
  readonly answerMs: number;
  /** For ending the run after the process agreed to. */
  readonly endMs: number;
}

const TIMES: AskTimes = { cancelMs: 4_000, answerMs: 10_000, endMs: 7_000 };
/** Poll interval. Milliseconds. */
const POLL_MS = 25;

/** `idle`: no process runs it (any more). `units`: those that its process had changed before it was killed. */
export type Asked =
  | { readonly kind: 'done'; readonly units: readonly string[] }
  | { readonly kind: 'idle'; readonly units?: readonly string[] };

/**
 * Asks the process that executes a run to change it. After a request to cancel the whole run that process has ended: by itself,
 * or killed when it did not answer or end in time. Throws a ChooError (`usage`, `conflict`) for a refusal, a process that
 * executes another run, and one that does not answer.
 */
export async function askOwner(
  { commonDirectory, run, times = TIMES }: { commonDirectory: string; run: string; times?: AskTimes },
  request: RunRequest,
): Promise<Asked> {
  const owner = await readLock(commonDirectory);
  if (owner === undefined) return { kind: 'idle' };
  if (owner.run !== run) throw heldBy(owner, commonDirectory);
  const endsRun = request.kind === 'cancel' && request.units.length === 0;
  const isGone = async (): Promise<boolean> => !isSame(await readLock(commonDirectory), owner);

  let answer: RunAnswer | undefined;
  {
    const directory = new Journal(commonDirectory).requestDirectory(run);
    await using posted = await postRequest(directory, owner, request);
    await isTrueWithin(endsRun ? times.cancelMs : times.answerMs, async () => {
      const gone = await isGone(); // checked first: the answer may come just before the process ends
      answer = await posted.answer();
      return answer !== undefined || gone;
    });
  }
  if (answer?.kind === 'refused')
    throw new ChooError(answer.code, answer.message, answer.hint === null ? {} : { hint: answer.hint });
  if (answer?.kind === 'done' && !endsRun) return answer;
  if (await isTrueWithin(answer === undefined ? 0 : times.endMs, isGone))
    return answer?.kind === 'done' ? answer : { kind: 'idle' };
  const isKilled = endsRun && (await killOwner(owner)) && (await isTrueWithin(times.endMs, isGone));
  if (!isKilled) throw noAnswer(owner);
  return { kind: 'idle', ...(answer?.kind === 'done' ? { units: answer.units } : {}) };
}

/** Polls a condition. False when the time is over. */
async function isTrueWithin(ms: number, condition: () => Promise<boolean>): Promise<boolean> {
  for (const end = performance.now() + ms; ;) {
    if (await condition()) return true;
    if (performance.now() > end) return false;
    await sleep(POLL_MS);
  }
}

/** Kills the owner if it is certainly that process, on this machine. False otherwise, or without permission. */
async function killOwner({ pid, start, host }: LockOwner): Promise<boolean> {
  if (host !== hostname() || start === null || !(await isProcessAlive(pid, start))) return false;
  return send(pid, 'SIGKILL');
}

function isSame(one: LockOwner | undefined, other: LockOwner): boolean {
  return one?.pid === other.pid && one.start === other.start && one.since === other.since;
}

function noAnswer({ run, pid, host }: LockOwner): ChooError {
  const where = host === hostname() ? '' : ` on \`${host}\``;
  return new ChooError('conflict', `process ${pid}${where}, which executes run ${run}, does not answer`, {
    hint:
      where === ''
        ? `\`choo cancel ${run}\` ends the run and its process; commits are kept`
        : `stop it on that machine`,
  });
}
