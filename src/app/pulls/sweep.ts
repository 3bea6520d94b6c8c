import { setTimeout as wait } from 'node:timers/promises';
import { findRepositoryById } from '../../store/github/github-repositories.ts';
import { requestRefresh } from '../../store/github/reports.ts';
import { beginSweep } from '../../store/github/sweeps.ts';
import { listOpenWork, type OpenWork } from '../../store/github/unit-pulls.ts';
import {
  type HandlerServices,
  type OpenRepository,
  openStoredRepository,
} from '../repository/open-repository.ts';
import { seePull } from './see-pull.ts';

/** The pause between two rounds, and how old the last one must be at a start. Milliseconds. */
const SWEEP_MS = 10 * 60_000;
const SWEEP_AT_START_MS = 5_000;

/**
 * Reads the pull requests of units from GitHub at the start and every ten minutes, with one listing for each repository that
 * has open ones, so that a delivery that was lost costs minutes. One process of a server does each round.
 */
export class PullSweep implements AsyncDisposable {
  readonly #services: HandlerServices;
  readonly #onError: (error: unknown) => void;
  readonly #ending = new AbortController();
  readonly #life: Promise<void>;

  constructor(services: HandlerServices, onError: (error: unknown) => void) {
    this.#services = { ...services, signal: this.#ending.signal };
    this.#onError = onError;
    this.#life = this.#live();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#life;
  }

  async #live(): Promise<void> {
    const { signal } = this.#ending;
    for (let age = SWEEP_AT_START_MS; !signal.aborted; age = SWEEP_MS - SWEEP_AT_START_MS) {
      try {
        if (await beginSweep(this.#services.database, 'pull requests', age)) await this.#round();
      } catch (error) {
        if (!signal.aborted) this.#onError(error);
      }
      await wait(SWEEP_MS, undefined, { signal }).catch(() => {});
    }
  }

  async #round(): Promise<void> {
    const { database } = this.#services;
    const byRepository = Map.groupBy(await listOpenWork(database), ({ repository }) => repository);
    for (const [id, works] of byRepository) {
      this.#ending.signal.throwIfAborted();
      try {
        const known = await findRepositoryById(database, id);
        if (known === undefined) continue;
        await seePulls(openStoredRepository(known, this.#services), works, this.#services);
        for (const { target } of works) await requestRefresh(database, { repository: id, target });
      } catch (error) {
        if (!this.#ending.signal.aborted) this.#onError(error); // the other repositories go on
      }
    }
  }
}

/** Saves what GitHub says of the pull requests of units. */
async function seePulls(
  repository: OpenRepository,
  works: readonly OpenWork[],
  services: HandlerServices,
): Promise<void> {
  const { octokit, known } = repository;
  const at = { owner: known.owner, repo: known.name };
  const open = await octokit.paginate(octokit.rest.pulls.list, { ...at, state: 'open', per_page: 100 });
  const found = new Map(open.map((pull) => [pull.number, pull]));
  for (const { target, pulls } of works)
    for (const { unit, number } of pulls) {
      const pull = found.get(number) ?? (await octokit.rest.pulls.get({ ...at, pull_number: number })).data;
      const state = pull.state === 'open' ? 'open' : 'closed';
      const seen = { ...pull, state, isMerged: pull.merged_at !== null } as const;
      await seePull(repository, { target, unit, number }, seen, services);
    }
}
