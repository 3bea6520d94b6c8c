import { ChooError } from '../../errors.ts';
import type { EventBody } from '../../events/event.ts';
import type { Claim, ClaimReporter } from '../../store/runs/claim.ts';
import { NO_AGENT } from '../../worker/agent/no-agent.ts';
import { Pool, type PoolUnit } from '../../worker/pool.ts';
import { UNREACHABLE_MS } from '../../worker/unit-branch.ts';
import { countEnd, endEvent, endOfError } from '../run-claim.ts';
import type { RunContext, ServerContexts } from './server-context.ts';
import { type ServerServices, workOnClaim } from './server-unit.ts';

interface SubmittedClaim extends PoolUnit {
  readonly claim: Claim;
  readonly reporter: ClaimReporter;
  readonly ended: PromiseWithResolvers<EventBody>;
}

/** Runs all units of a process in one pool, with the providers that their runs' configurations choose. */
export class ServerWorker {
  readonly #services: ServerServices;
  readonly #pool: Pool<SubmittedClaim>;

  constructor(services: ServerServices, concurrency: number) {
    this.#services = services;
    this.#pool = new Pool({
      maxWorkers: concurrency,
      factory: async ({ claim }) => this.#providerOf(claim),
      work: async ({ claim, reporter, ended }, { taskCompleted }) => {
        const end = await workOnClaim(claim, { ...reporter, taskCompleted }, services).catch(
          (error: unknown) => {
            ended.reject(error);
            throw error;
          },
        );
        ended.resolve(end);
        return countEnd(end);
      },
    });
  }

  /** Works on a claim until it ends; returns its final event. Rejects when it could not be worked on. */
  async work(claim: Claim, reporter: ClaimReporter): Promise<readonly EventBody[]> {
    try {
      return [await this.#work(claim, reporter)];
    } catch (error) {
      if (!(error instanceof ChooError) || error.code !== 'limit') throw error;
      return [endOfError(claim.unit, error, { failure: 'needs-human' })];
    }
  }

  async #work(claim: Claim, reporter: ClaimReporter): Promise<EventBody> {
    const { run, unit, claim: number } = claim;
    const context = await readContext(this.#services.contexts, run);
    if (typeof context === 'string') {
      const until = Date.now() + UNREACHABLE_MS;
      return endEvent(unit, { kind: 'released', reason: context, until });
    }
    const ended = Promise.withResolvers<EventBody>();
    ended.promise.catch(() => {}); // awaited below
    const id = `${run}/${unit}#${number}`;
    try {
      await this.#pool.submit({ id, taskCount: 1, claim, reporter, ended });
    } catch (error) {
      if (!(error instanceof ChooError)) throw error;
      return endOfError(unit, error, { failure: 'environment' });
    }
    try {
      return await ended.promise;
    } finally {
      setImmediate(() => this.#pool.forget(id));
    }
  }

  async #providerOf({ run, unit }: Claim) {
    const { start, config } = await this.#services.contexts.runOf(run);
    if (start.update !== null) return NO_AGENT;
    const planned = start.units.find(({ id }) => id === unit);
    return this.#services.agentsOf(config)(planned?.provider ?? '').provider;
  }
}

/** Reads a run's context, or the reason why its remote cannot be reached. */
async function readContext(contexts: ServerContexts, run: string): Promise<RunContext | string> {
  try {
    return await contexts.runOf(run);
  } catch (error) {
    if (error instanceof ChooError && error.code === 'environment') return error.message;
    throw error;
  }
}
