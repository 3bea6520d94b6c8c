import type { Unit } from '../../discovery/unit.ts';
import { ChooError } from '../../errors.ts';
import type { EventBody } from '../../events/event.ts';
import type { UnitState } from '../../events/run-rules.ts';
import type { RunState } from '../../events/state.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import { unitBranch } from '../../git/branches.ts';
import { type Graph, graphOf } from '../../scheduler/graph.ts';
import { changeOf } from '../../scheduler/run-control.ts';
import { decide, endOfRun, type Steps, stepsOf } from '../../scheduler/scheduler.ts';
import type { RunRequest } from '../../store/journal/run-requests.ts';
import { Budget } from '../../worker/agent/budget.ts';
import { Pool, type PoolUnit, type WorkContext } from '../../worker/pool.ts';
import { Recorder } from '../recorder.ts';
import { integrate } from '../result.ts';
import { type ClaimedUnit, countEnd, endOfError, runClaim } from '../run-claim.ts';
import type { RunInput, RunServices } from '../run-input.ts';
import { budgetOf } from '../run-start.ts';
import { ActiveUnits } from './active-units.ts';
import { decideRequest } from './decide-request.ts';
import { openingEvents } from './opening-events.ts';
import { ProviderPauses } from './provider-pauses.ts';

interface SubmittedUnit extends PoolUnit {
  readonly unit: Unit;
  readonly progress: UnitProgress;
}

/**
 * One run from its plan to its end, and the only writer of its state:
 *
 * 1. begin: the run starts or is resumed, see {@link openingEvents};
 * 2. step: `decide` says which units start and which are blocked, until none can start any more;
 * 3. end: the complete units are merged into the run's integration branch.
 */
export class Orchestrator {
  readonly #order: RunInput;
  readonly #services: RunServices;
  readonly #recorder: Recorder;
  readonly #units: ReadonlyMap<string, Unit>;
  readonly #graph: Graph;
  readonly #budget: Budget;
  readonly #pool: Pool<SubmittedUnit>;
  readonly #pauses = new ProviderPauses(() => this.#wake.resolve());
  readonly #active = new ActiveUnits();
  /** Heads of the unit branches when the run began. */
  #branchHeads: ReadonlyMap<string, string> = new Map();
  /** No unit starts any more. */
  #stopping = false;
  /** Resolves when the run can be changed. */
  readonly #begun = Promise.withResolvers<void>();
  /** Nothing can be changed any more. */
  #over = false;
  #cancelled = false;
  /** Resolves when `decide` must run again. */
  #wake = Promise.withResolvers<void>();

  constructor(order: RunInput, services: RunServices) {
    const { start, before, units } = order;
    this.#order = order;
    this.#services = services;
    this.#recorder = new Recorder(services.store, start.run, before, {
      redact: services.redact,
      onEvents: (events, state) => {
        try {
          services.onEvents(events, state);
        } catch {
          // an observer must not affect the run
        }
      },
      onFailure: () => this.#wake.resolve(),
    });
    this.#units = new Map(units.map((unit) => [unit.id, unit]));
    this.#graph = graphOf(start);
    this.#budget = new Budget(
      budgetOf(start.limits),
      new Map([...(before?.units ?? [])].map(([id, { spending }]) => [id, spending])),
    );
    this.#pool = new Pool({
      maxWorkers: start.parallelism,
      factory: ({ progress }) => services.agentOf(progress.plan.provider).provider,
      work: (submitted, context) => this.#work(submitted, context),
    });
  }

  /** Executes the run. On `signal` no unit starts, agents end, and the run can be resumed later. */
  async run(signal: AbortSignal): Promise<RunState> {
    const onAbort = (): void => this.#stop();
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      await this.#begin();
      this.#begun.resolve();
      let outcome: Steps['outcome'];
      while (!this.#stopping && (outcome = await this.#step()) === undefined) {
        await this.#wake.promise;
        this.#wake = Promise.withResolvers();
      }
      if (this.#stopping || outcome === undefined) {
        await this.#pool.shutdown();
        if (!this.#cancelled) this.#recorder.append({ type: 'orch.interrupted', reason: 'a signal' });
      } else await this.#end(outcome);
      await this.#recorder.recorded();
      return this.#state;
    } catch (error) {
      await this.#pool.shutdown(); // stops work that cannot be recorded
      throw error;
    } finally {
      this.#over = true;
      this.#begun.resolve();
      signal.removeEventListener('abort', onAbort);
      this.#pauses[Symbol.dispose]();
    }
  }

  /**
   * Makes a requested change while the run is active. Returns the changed units; undefined when the run is ending. Throws a
   * ChooError (`usage`, `conflict`) for a refusal.
   */
  async change(request: RunRequest): Promise<readonly string[] | undefined> {
    await this.#begun.promise;
    while (!this.#recorder.idle) await this.#recorder.recorded();
    if (this.#over) return undefined;
    const { units, events, stops } = changeOf(decideRequest(request, this.#state));
    for (const id of stops) this.#active.withdraw(id);
    for (const event of events) this.#recorder.append(event);
    if (events.some(({ type }) => type === 'orch.cancelled')) {
      this.#cancelled = true;
      this.#stop();
    }
    await this.#recorder.recorded();
    this.#wake.resolve();
    return units;
  }

  #stop(): void {
    this.#stopping = true;
    this.#over = true;
    void this.#pool.shutdown();
    this.#wake.resolve();
  }

  get #state(): RunState {
    const { state } = this.#recorder;
    if (state === undefined) throw new ChooError('internal', 'the run has not started');
    return state;
  }

  async #begin(): Promise<void> {
    const { start } = this.#order;
    for (const event of openingEvents(this.#order)) this.#recorder.append(event);
    await this.#recorder.recorded();
    this.#branchHeads = await this.#services.repository.branchHeads(`choo/unit/${start.target}/`);
  }

  /** Performs one decision. Returns the run's outcome; undefined while it continues. */
  async #step(): Promise<Steps['outcome']> {
    while (!this.#recorder.idle) await this.#recorder.recorded();
    if (this.#stopping) return undefined;
    const { units } = this.#state;
    const states = new Map<string, UnitState>(
      [...units].map(([id, { state }]) => [id, this.#active.has(id) ? 'running' : state]),
    );
    const paused = this.#pauses.pausedUnits(units.values());
    const limits = { parallelism: this.#order.start.parallelism, paused };
    const { events, starts, outcome } = stepsOf(decide({ graph: this.#graph, units: states }, limits));
    for (const event of events) this.#recorder.append(event);
    for (const id of starts) this.#start(id);
    if (outcome !== undefined) this.#over = true;
    return outcome;
  }

  #start(id: string): void {
    const unit = this.#units.get(id);
    const progress = this.#state.units.get(id);
    if (unit === undefined || progress === undefined)
      throw new ChooError('internal', `unit \`${id}\` is not part of the run`);
    this.#active.begin(id);
    const claim = `${this.#order.start.run}/${id}#${progress.claim + 1}`;
    this.#pool.submit({ id: claim, taskCount: unit.tasks.length, unit, progress }).catch((error: unknown) => {
      this.#active.end(id);
      if (this.#stopping) return;
      this.#recorder.append(endOfError(id, error, { failure: 'environment', head: progress.head }));
      this.#wake.resolve();
    });
  }

  /** Works on one unit in the pool, and appends how it ended. */
  async #work(
    { id, unit, progress }: SubmittedUnit,
    { signal: shutdown, taskCompleted }: WorkContext,
  ): Promise<'completed' | 'released'> {
    const signal = this.#active.signalOf(unit.id, shutdown);
    const recorder = this.#recorder;
    try {
      const end = await this.#runClaim(unit, progress, { signal, taskCompleted });
      if (this.#active.isWithdrawn(unit.id)) return 'released'; // it was cancelled or skipped meanwhile
      recorder.append(end);
      return countEnd(end);
    } finally {
      this.#active.end(unit.id);
      this.#wake.resolve();
      queueMicrotask(() => this.#pool.forget(id));
    }
  }

  async #runClaim(
    unit: Unit,
    progress: UnitProgress,
    context: Pick<WorkContext, 'signal' | 'taskCompleted'>,
  ): Promise<EventBody> {
    const { start, config, keepWorktrees } = this.#order;
    let known: Pick<ClaimedUnit, 'record' | 'branchHead'>;
    try {
      const record = await this.#services.store.record(start.target, unit.id, start.directory);
      known = { record, branchHead: await this.#branchHead(progress) };
    } catch (error) {
      return endOfError(unit.id, error, { failure: 'internal', head: progress.head });
    }
    const dependsOn = this.#graph.dependenciesOf(unit.id).flatMap((id) => {
      const each = this.#state.units.get(id);
      return each === undefined ? [] : [{ id, state: each.state, head: each.head }];
    });
    const branch = unitBranch(start, unit.id);
    const claim = progress.claim + 1;
    return runClaim(
      { start, config, unit, progress, claim, branch, ...known, dependsOn },
      { ...this.#services, ...context, budget: this.#budget, keepWorktree: keepWorktrees },
      {
        append: this.#recorder.append.bind(this.#recorder),
        recorded: this.#recorder.recorded.bind(this.#recorder),
        hold: (until) => this.#pauses.pause(progress.plan.provider, until),
      },
    );
  }

  /** Reads the branch again when this run has worked on it; else the head from the start of the run holds. */
  async #branchHead({ plan, claim }: UnitProgress): Promise<string | undefined> {
    const branch = unitBranch(this.#order.start, plan.id);
    return claim === 0 ? this.#branchHeads.get(branch) : this.#services.repository.branchHead(branch);
  }

  async #end(outcome: 'complete' | 'incomplete'): Promise<void> {
    await this.#recorder.recorded();
    const { branch, head, unmerged } = await integrate(this.#state, this.#services.repository);
    const left = unmerged.map(({ unit, files }) => ({ unit, files: [...files] }));
    this.#recorder.append(endOfRun(outcome, { branch, head, unmerged: left }));
  }
}
