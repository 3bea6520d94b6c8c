import { ChooError } from '../errors.ts';
import { FILE_START, type Problem } from '../problems/problem.ts';
import { DeadlineThread } from './deadline-thread.ts';
import { createJobs, type JobInput, type JobName, type Jobs } from './jobs.ts';

/** Performs one of the {@link Jobs} on a repository. Throws a ChooError (`limit`) when it takes too much time or memory. */
export type PerformJob = <N extends JobName>(
  name: N,
  input: JobInput<N>,
  signal?: AbortSignal,
) => Promise<Jobs[N]['result']>;

const LIMITS = { cpuMs: 2_000, wallMs: 20_000, heapMiB: 512 };

/**
 * The thread that reads, plans and renders the content of repositories, so that one repository cannot delay the web,
 * heartbeats or the plans of others.
 */
export class PlanThread implements AsyncDisposable {
  readonly #thread: DeadlineThread;

  constructor(limits = LIMITS) {
    this.#thread = new DeadlineThread(new URL('jobs.ts', import.meta.url), limits);
  }

  readonly perform: PerformJob = async (name, input, signal) => {
    const end = await this.#thread.perform({ name, input }, { owner: input.remote.directory, signal });
    if (end.kind === 'over') throw new ChooError('limit', LIMIT_MESSAGES[end.limit], { hint: LIMIT_HINT });
    return end.value as Jobs[typeof name]['result'];
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread[Symbol.asyncDispose]();
  }
}

const LIMIT_MESSAGES = {
  time: 'the specs take too long to read',
  memory: 'the specs take too much memory to read',
};
const LIMIT_HINT =
  'none of them was used: keep front matter short and in plain `name: value` lines, remove files that are no specs, or split the tree';

/** Performs the jobs without a thread and its limits, for trusted repositories. */
export function performInline(): PerformJob {
  const jobs = createJobs();
  return async (name, input) => jobs[name](input);
}

/** Converts an error about exceeded limits to the one problem of a spec tree; undefined for any other error. */
export function limitProblem(error: unknown, file: string): Problem | undefined {
  if (!(error instanceof ChooError) || error.code !== 'limit') return undefined;
  const { message, hint = '' } = error;
  return { severity: 'error', code: 'tree-too-slow', message, file, ...FILE_START, hint };
}
