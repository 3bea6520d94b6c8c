import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { ChooError } from '../../errors.ts';
import { heldBy, type LockOwner, readLock } from '../../store/journal/journal-lock.ts';
import { Journal } from '../../store/journal/journal.ts';
import { postRequest, type RunAnswer, type RunRequest } from '../../store/journal/run-requests.ts';
import { isProcessAlive } from '../../system/process-identity.ts';
import { send } from '../../system/process-tree.ts';

/** What becomes of a request. Milliseconds. */
export interface AskTimes {
  /** A process that has not answered a request to end its run by then is killed. */
  readonly cancelMs: number;
  /** One that has not answered another request by then is reported. */
  readonly answerMs: number;
  /** One that said it ends its run has that long for it. */
  readonly endMs: number;
}

const TIMES: AskTimes = { cancelMs: 4_000, answerMs: 10_000, endMs: 7_000 };
/** How often it is looked. */
const LOOK_MS = 25;

/** `idle`: no process carries the run out, or none does any more; `units`: of a change that it made before it was killed. */
export type Asked =
  | { readonly kind: 'done'; readonly units: readonly string[] }
  | { readonly kind: 'idle'; readonly units?: readonly string[] };

/**
 * Asks the process that carries a run out for a change of it. One that is asked to cancel the whole run has ended when this
 * resolves: by itself, or killed where it did not answer or end in time. Throws a ChooError (`usage`, `conflict`) for a
 * refusal, for a process that carries out another run, and for one that does not answer.
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
      const gone = await isGone(); // looked at first: it may answer with its last breath
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

/** Waits until something is true. False: it was not in time. */
async function isTrueWithin(ms: number, condition: () => Promise<boolean>): Promise<boolean> {
  for (const end = performance.now() + ms; ;) {
    if (await condition()) return true;
    if (performance.now() > end) return false;
    await sleep(LOOK_MS);
  }
}

/** Kills a process of this machine that is known to be the owner; false: it is not known to be, or not ours. */
async function killOwner({ pid, start, host }: LockOwner): Promise<boolean> {
  if (host !== hostname() || start === null || !(await isProcessAlive(pid, start))) return false;
  return send(pid, 'SIGKILL');
}

function isSame(one: LockOwner | undefined, other: LockOwner): boolean {
  return one?.pid === other.pid && one.start === other.start && one.since === other.since;
}

function noAnswer({ run, pid, host }: LockOwner): ChooError {
  const where = host === hostname() ? '' : ` on \`${host}\``;
  return new ChooError('conflict', `process ${pid}${where}, which carries run ${run} out, does not answer`, {
    hint:
      where === ''
        ? `\`choo cancel ${run}\` ends the run and its process; what is committed stays`
        : `stop it there`,
  });
}
