import type { EventBody, PlannedUnit, RunEvent } from '../../src/events/event.ts';
import type { OrchStarted } from '../../src/events/unit-record.ts';

/** A commit's id made of one character: `commit('a')`. */
export function commit(character: string): string {
  return character.repeat(40);
}

/** A unit with as many tasks, named `Step 1 of <id>` and so on. */
export function plannedUnit(
  id: string,
  { tasks = 1, dependsOn = [], ...rest }: Partial<Omit<PlannedUnit, 'tasks'>> & { tasks?: number } = {},
): PlannedUnit {
  return {
    id,
    key: `key-of-${id}`,
    title: `The unit ${id}`,
    dependsOn,
    tasks: Array.from({ length: tasks }, (_, at) => ({
      number: at + 1,
      title: `Step ${at + 1} of ${id}`,
      complete: false,
    })),
    provider: 'claude',
    source: 'default',
    ...rest,
  };
}

/** The first event of a run. */
export function started(units: readonly PlannedUnit[], run = 'run0000001'): OrchStarted {
  return {
    type: 'orch.started',
    run,
    target: 'main',
    commit: commit('0'),
    directory: '',
    sandbox: 'bubblewrap',
    parallelism: 2,
    verify: true,
    limits: { attempts: 3, unitTokens: 1_000_000, unitCost: 10, runTokens: 10_000_000, runCost: null },
    units: [...units],
    fresh: [],
    actor: null,
    remote: null,
    update: null,
  };
}

/** Another process goes on with it. */
export function resumed(run = 'run0000001'): Extract<EventBody, { type: 'orch.resumed' }> {
  const { sandbox, parallelism, limits } = started([], run);
  return { type: 'orch.resumed', run, sandbox, parallelism, limits };
}

/** When the first event of {@link numbered} happened; each one comes a second after the one before. */
export const START = Date.UTC(2026, 0, 2, 3, 4, 5);

/** The events as a store gives them back. */
export function numbered(events: readonly EventBody[]): RunEvent[] {
  return events.map((event, at) => ({ ...event, seq: at + 1, at: START + at * 1000 }));
}

/** What a command did. */
const END = {
  passed: { exitCode: 0, ending: 'exit', durationMs: 1200, tail: '' },
  failed: { exitCode: 1, ending: 'exit', durationMs: 1200, tail: '1 test failed\n' },
} as const;

/** Facts of one unit, with everything that a test says nothing of filled in. */
export function factsOf(unit: string) {
  const branch = `choo/unit/main/${unit}`;
  return {
    queued: (): EventBody => ({ type: 'unit.queued', unit }),
    started: (
      head = commit('0'),
      { claim = 1, ...rest }: Partial<Extract<EventBody, { type: 'unit.started' }>> = {},
    ): EventBody => ({
      type: 'unit.started',
      unit,
      claim,
      branch,
      pushed: null,
      base: commit('0'),
      builtOn: {},
      head,
      tasks: [],
      ...rest,
    }),
    worktree: (): EventBody => ({ type: 'worktree.created', unit, claim: 1, path: `/data/${unit}-1` }),
    task: (task: number): EventBody => ({ type: 'task.started', unit, task }),
    gate: (
      task: number,
      phase: 'base' | 'resume' | 'attempt' | 'verify' = 'attempt',
      attempt = 1,
    ): EventBody => ({
      type: 'task.backpressure',
      unit,
      task,
      phase,
      attempt,
    }),
    green: (
      task: number,
      phase: 'base' | 'resume' | 'attempt' | 'verify' = 'attempt',
      attempt = 1,
    ): EventBody => ({
      type: 'task.validation.ok',
      unit,
      task,
      phase,
      attempt,
      ...END.passed,
    }),
    red: (
      task: number,
      phase: 'base' | 'resume' | 'attempt' | 'verify' = 'attempt',
      attempt = 1,
    ): EventBody => ({
      type: 'task.validation.fail',
      unit,
      task,
      phase,
      attempt,
      ...END.failed,
    }),
    invoke: (task: number | null, attempt = 1): EventBody => ({
      type: 'task.provider.invoke',
      unit,
      task,
      attempt,
      provider: 'claude',
      model: null,
      reservedTokens: 1000,
      reservedCost: 1,
    }),
    usage: (task: number | null, tokens: number, cost: number | null, attempt = 1): EventBody => ({
      type: 'task.provider.usage',
      unit,
      task,
      attempt,
      tokens,
      cost,
      basis: cost === null ? null : 'told',
    }),
    done: (
      task: number | null,
      tokens: number,
      cost: number | null,
      { attempt = 1, outcome = 'finished' } = {},
    ): EventBody => ({
      type: 'task.provider.done',
      unit,
      task,
      attempt,
      outcome,
      message: '',
      tokens,
      cost,
      basis: cost === null ? null : 'told',
      durationMs: 1000,
    }),
    /** `ms` after the start of the run. */
    waiting: (reason: string, ms: number): EventBody => ({
      type: 'task.provider.waiting',
      unit,
      provider: 'claude',
      reason,
      until: START + ms,
    }),
    retry: (task: number, attempt = 2, reason = 'the gate is red (exit 1)'): EventBody => ({
      type: 'task.retry',
      unit,
      task,
      attempt,
      reason,
    }),
    committed: (task: number, id = commit('a'), alreadyGreen = false): EventBody => ({
      type: 'task.committed',
      unit,
      task,
      attempt: alreadyGreen ? 0 : 1,
      commit: id,
      parent: commit('0'),
      alreadyGreen,
    }),
    repaired: (id = commit('b')): EventBody => ({
      type: 'baseline.committed',
      unit,
      attempt: 1,
      commit: id,
      parent: commit('a'),
    }),
    pushed: (head = commit('a')): EventBody => ({ type: 'branch.pushed', unit, branch, head }),
    taskDone: (task: number, id = commit('a'), alreadyGreen = false): EventBody => ({
      type: 'task.completed',
      unit,
      task,
      commit: id,
      attempts: alreadyGreen ? 0 : 1,
      alreadyGreen,
    }),
    verifying: (head = commit('a')): EventBody => ({ type: 'verify.started', unit, head }),
    completed: (head = commit('a'), verified = true): EventBody => ({
      type: 'unit.completed',
      unit,
      head,
      verified,
    }),
    failed: (message = 'task 1 is still red', hint: string | null = null): EventBody => ({
      type: 'unit.failed',
      unit,
      failure: 'attempts',
      message,
      hint,
      head: null,
    }),
    blocked: (cause: string): EventBody => ({ type: 'unit.blocked', unit, cause }),
    released: (until: number | null = null): EventBody => ({
      type: 'unit.released',
      unit,
      reason: 'rate limit',
      until,
    }),
    notice: (message: string): EventBody => ({ type: 'unit.notice', unit, code: 'put-back', message }),
    cancelled: (actor = 'ann'): EventBody => ({ type: 'unit.cancelled', unit, actor }),
    skipped: (actor = 'ann'): EventBody => ({ type: 'unit.skipped', unit, actor }),
    retried: ({
      actor = 'ann',
      fresh = false,
      from = null,
    }: { actor?: string; fresh?: boolean; from?: number | null } = {}): EventBody => ({
      type: 'unit.retried',
      unit,
      actor,
      fresh,
      from,
    }),
    satisfied: (head: string | null = commit('a')): EventBody => ({ type: 'unit.satisfied', unit, head }),
  };
}
