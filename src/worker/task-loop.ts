import { createHash } from 'node:crypto';
import type { Task } from '../discovery/unit.ts';
import type { GatePhase } from '../events/event.ts';
import type { TestCounts } from '../events/command-end.ts';
import { type EarlierAttempt, taskPrompt } from '../provider/prompt.ts';
import { count } from '../text/terminal-layout.ts';
import type { AgentEnd } from './agent/agent.ts';
import type { Verdict } from './gate/gate.ts';
import { recordFlaky } from './second-look.ts';
import { describeOutcome, type Invoker } from './invocation.ts';
import { yieldSlot } from './slot.ts';
import { statusEdits } from './spec-status.ts';
import { runTaskGate } from './task-gate.ts';
import { fail, type UnitJob, type WorkerServices } from './unit-job.ts';
import { feedbackText } from './update/review-prompt.ts';
import { listPaths } from '../text/list-paths.ts';
import type { Inspection, UnitWorkspace } from './workspace.ts';

/**
 * Works on the tasks of one unit in order: a task starts when its dependencies are complete, and is complete when choo has run
 * its gate successfully on the tree that is then committed.
 */
export class TaskLoop {
  readonly #job: UnitJob;
  readonly #services: WorkerServices;
  readonly #workspace: UnitWorkspace;
  readonly #invoker: Invoker;
  readonly #complete: Set<number>;
  /** By task: the verdict of its gate before its first attempt, on which commit, and how many tests ran. */
  readonly #before = new Map<
    number,
    { readonly green: boolean; readonly head: string; readonly tests: TestCounts | undefined }
  >();
  /** By task: its last red verdict, and the tree. */
  readonly #red = new Map<number, { readonly verdict: Verdict; readonly tree: string }>();
  /** Whether this claim has committed a task. */
  #committed = false;

  constructor(job: UnitJob, services: WorkerServices, workspace: UnitWorkspace, invoker: Invoker) {
    this.#job = job;
    this.#services = services;
    this.#workspace = workspace;
    this.#invoker = invoker;
    this.#complete = new Set(
      job.unit.tasks.filter(({ status }) => status === 'complete').map(({ number }) => number),
    );
  }

  /** Resolves when every task is complete. Throws a UnitStop when one cannot be. */
  async run(): Promise<void> {
    await this.#confirm();
    for (let ready = this.#ready(); ready.length > 0; ready = this.#ready()) {
      await this.#services.checkEnd?.(this.#workspace.branch.head);
      for (const task of ready) {
        yieldSlot(this.#job, this.#services, this.#committed);
        if (!this.#before.has(task.number)) await this.#runFirstGate(task);
      }
      const [task] = ready;
      if (task !== undefined) await this.#work(task);
    }
    await this.#services.checkEnd?.(this.#workspace.branch.head);
  }

  /** Runs the gates of tasks that an earlier process completed: they count once their gates have passed again. */
  async #confirm(): Promise<void> {
    const claimed = this.#job.unit.tasks.filter(
      ({ number }) => this.#job.claimedComplete.includes(number) && !this.#complete.has(number),
    );
    for (const task of claimed) {
      yieldSlot(this.#job, this.#services, false);
      const verdict = await this.#gate(task, 'resume', 0, this.#workspace.branch.tree);
      if (verdict.kind !== 'green') continue;
      this.#complete.add(task.number);
      this.#services.append({
        type: 'task.completed',
        unit: this.#job.unit.id,
        task: task.number,
        commit: this.#workspace.branch.head,
        attempts: 0,
        alreadyGreen: false,
      });
      this.#services.taskCompleted();
    }
    await this.#workspace.branch.pushStart();
  }

  #ready(): readonly Task[] {
    return this.#job.unit.tasks.filter(
      ({ number, dependsOn }) =>
        !this.#complete.has(number) && dependsOn.every((each) => this.#complete.has(each)),
    );
  }

  /** Runs a task's gate before its first attempt. A gate that cannot run here ends the unit before any agent starts. */
  async #runFirstGate(task: Task): Promise<Verdict> {
    const verdict = await this.#gate(task, 'base', 0, this.#workspace.branch.tree);
    if (verdict.kind === 'fault') {
      throw fail(
        'environment',
        `the gate of task ${task.number} cannot run here: ${verdict.ending}`,
        verdict.reason?.text ?? `\`${task.gate}\` must be there before an agent starts`,
      );
    }
    const first = this.#before.get(task.number)?.green ?? verdict.kind === 'green';
    const tests = this.#before.get(task.number)?.tests ?? verdict.tests;
    this.#before.set(task.number, { green: first, head: this.#workspace.branch.head, tests });
    return verdict;
  }

  async #work(task: Task): Promise<void> {
    const { append } = this.#services;
    append({ type: 'task.started', unit: this.#job.unit.id, task: task.number });
    const before = this.#before.get(task.number);
    const alreadyGreen = before?.green === true;
    // Work on another task may have changed the verdict since, in either direction.
    const moved = before?.head !== this.#workspace.branch.head;
    const green = moved ? (await this.#runFirstGate(task)).kind === 'green' : alreadyGreen;
    if (green && (this.#job.config.skip_green || !alreadyGreen)) {
      await this.#commit(task, 0, this.#workspace.branch.tree, alreadyGreen);
      return;
    }
    await this.#attempt(task, alreadyGreen);
  }

  async #attempt(task: Task, alreadyGreen: boolean): Promise<void> {
    const { unit, config, directory, attemptsUsed } = this.#job;
    const { attempts } = config.limits;
    const earlier: EarlierAttempt[] = [];
    for (let attempt = (attemptsUsed.get(task.number) ?? 0) + 1; attempt <= attempts; attempt += 1) {
      const complete = this.#complete;
      yieldSlot(this.#job, this.#services, false);
      const ofTask = taskPrompt({
        unit,
        task,
        directory,
        attempt,
        attempts,
        alreadyGreen,
        complete,
        earlier,
      });
      const { feedback } = this.#job;
      const prompt = feedback === undefined ? ofTask : `${ofTask}\n${feedbackText(feedback)}`;
      const end = await this.#invoker.attempt({ task: task.number, file: task, attempt, prompt });
      const left = await this.#workspace.inspect(task);
      const verdict = left.kind === 'fit' ? await this.#gate(task, 'attempt', attempt, left.tree) : undefined;
      if (left.kind === 'fit' && verdict?.kind === 'green') {
        this.#compareTests(task, verdict.tests);
        await this.#commit(task, attempt, left.tree, alreadyGreen);
        return;
      }
      const failed = describeAttempt(end, left, verdict);
      earlier.push(failed);
      this.#services.log.say(`attempt ${attempt} of ${attempts}: ${failed.verdict}`);
      if (attempt < attempts) {
        const reason = `${failed.outcome}; ${failed.verdict}`;
        this.#services.append({
          type: 'task.retry',
          unit: unit.id,
          task: task.number,
          attempt: attempt + 1,
          reason,
        });
      }
    }
    const last = earlier.at(-1);
    const reason =
      last === undefined ? 'earlier processes used all of them' : `${last.outcome}; ${last.verdict}`;
    this.#services.append({ type: 'task.failed', unit: unit.id, task: task.number, reason });
    throw fail(
      'attempts',
      `task ${task.number} is not done after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}: ${reason}`,
      last?.reason?.text,
    );
  }

  /** Says it where fewer tests ran than before any work: a gate is also green when nothing is tested. */
  #compareTests({ number }: Task, now: TestCounts | undefined): void {
    const message = describeFewerTests(number, this.#before.get(number)?.tests, now);
    if (message === undefined) return;
    this.#services.log.say(message);
    this.#services.append({ type: 'unit.notice', unit: this.#job.unit.id, code: 'fewer-tests', message });
  }

  async #gate(task: Task, phase: GatePhase, attempt: number, tree: string): Promise<Verdict> {
    const [services, workspace] = [this.#services, this.#workspace];
    const verdict = await runTaskGate(this.#job, services, workspace, { task, phase, attempt });
    const { verdict: red, tree: before } = this.#red.get(task.number) ?? {};
    if (verdict.kind === 'red') this.#red.set(task.number, { verdict, tree });
    if (verdict.kind === 'green' && red !== undefined && before === tree)
      recordFlaky(
        { unit: this.#job.unit.id, judged: { task: task.number }, red, green: verdict },
        services,
        workspace,
      );
    return verdict;
  }

  async #commit(task: Task, attempt: number, tree: string, alreadyGreen: boolean): Promise<void> {
    const { unit, run, branch, config } = this.#job;
    const { append, taskCompleted, log } = this.#services;
    this.#complete.add(task.number);
    const last = this.#complete.size === unit.tasks.length;
    const nothingFollows = last && config.baseline_checks.length + config.worktree.teardown.length === 0;
    const facts = { unit: unit.id, task: task.number };
    const commit = await this.#workspace.commit(
      tree,
      statusEdits(unit, task, last ? { branch, at: new Date() } : undefined),
      {
        subject: task.title,
        body: `Task ${task.number} of ${unit.tasks.length} of ${unit.id}.`,
        trailers: taskTrailers({ run, unit: unit.id, task: String(task.number), attempt, gate: task.gate }),
      },
      {
        record: ({ commit, parent }) =>
          append({ type: 'task.committed', ...facts, attempt, commit, parent, alreadyGreen }),
        last: nothingFollows,
      },
    );
    this.#committed = true;
    append({ type: 'task.completed', ...facts, commit, attempts: attempt, alreadyGreen });
    log.say(`task ${task.number} is complete: ${commit.slice(0, 12)}`);
    taskCompleted();
  }
}

/** The trailers of choo's commits: they help to find work again and prove nothing. The hash is of the gate's command. */
export function taskTrailers({
  run,
  unit,
  task,
  attempt,
  gate,
}: {
  readonly run: string;
  readonly unit: string;
  readonly task: string;
  readonly attempt: number;
  readonly gate: string;
}): Readonly<Record<string, string>> {
  return {
    'Choo-Run': run,
    'Choo-Unit': unit,
    'Choo-Task': task,
    'Choo-Attempt': String(attempt),
    'Choo-Gate': `exit=0 sha256=${createHash('sha256').update(gate).digest('hex')}`,
  };
}

/**
 * What a person should know when a gate ran fewer tests than it did before any work; undefined: it did not, or nobody counted.
 * Tests that were skipped did not run.
 *
 * @internal
 */
export function describeFewerTests(
  task: number,
  before: TestCounts | undefined,
  now: TestCounts | undefined,
): string | undefined {
  const ran = before === undefined ? 0 : before.passed + before.failed;
  const runs = now === undefined ? undefined : now.passed + now.failed;
  if (ran === 0 || (runs !== undefined && runs >= ran)) return undefined;
  const present = runs === undefined ? 'now names no number' : `now runs ${runs}`;
  return `the gate of task ${task} ran ${count(ran, 'test')} before any work, and ${present}`;
}

/** Explains why an attempt failed, for the next one and for the report. */
export function describeAttempt(
  end: AgentEnd,
  left: Inspection,
  verdict: Verdict | undefined,
): EarlierAttempt {
  const words = describeOutcome(end.outcome);
  const outcome = end.overBudget ? 'stopped by the budget' : end.outcome.kind;
  return {
    outcome: words === '' ? `the agent ${outcome}` : `the agent ${outcome} (${words})`,
    changed: left.changes.map(({ path }) => path),
    verdict:
      left.kind === 'unfit'
        ? left.reason
        : `the gate is red (${verdict?.ending ?? 'not run'})${restoredText(left.restored)}`,
    tail: verdict?.tail ?? '',
    ...(verdict?.reason === undefined ? {} : { reason: verdict.reason }),
  };
}

/** An agent that is not told tries the same again. */
function restoredText(paths: readonly string[]): string {
  return paths.length === 0
    ? ''
    : `; what it changed in ${listPaths(paths)} was put back, since no task may change that`;
}
