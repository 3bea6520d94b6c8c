import { z } from 'zod';
import { reviewAnswers } from './review-request.ts';
import { commandEnd } from './command-end.ts';
import { FAILURES } from './failure.ts';
import { flakyGate } from './flaky-gate.ts';
import { judgeComparison } from './judge-change.ts';
import { unitUpdate, updateResult } from './unit-update.ts';

/**
 * Every fact of a run, one documented variant each. Events are the truth: the state of a run can be folded from them alone,
 * they are numbered within it, and they are written before anything relies on them. Stored as JSON, so checked when read.
 */

const id = z.string().min(1);
const objectId = z.string().regex(/^[0-9a-f]{40,64}$/);
const tokens = z.int().min(0);
/** US dollars; null: unknown, which is not the same as zero. */
const cost = z.number().min(0).nullable();
/**
 * How the cost is known: reported by the CLI; computed from tokens and list prices; or the attempt's reservation, because
 * neither is known. Null: there is no cost, or an older choo wrote the event, which knew reported costs only.
 */
const basis = z.enum(['told', 'computed', 'reserved']).nullable().default(null);
const milliseconds = z.number().min(0);
const unit = { unit: id };
const task = { unit: id, task: z.int().min(1) };
/** From 1; 0: no agent was needed. */
const attempt = z.int().min(0);

export type CostBasis = 'told' | 'computed' | 'reserved';

/** When a gate ran: on the base before any work, on what an earlier process left, after an attempt, or in verify's worktree. */
const GATE_PHASES = ['base', 'resume', 'attempt', 'verify'] as const;
export type GatePhase = (typeof GATE_PHASES)[number];
const phase = z.enum(GATE_PHASES);

const check = { unit: id, name: z.string(), attempt, phase: z.literal('verify').optional() };

const plannedUnit = z.object({
  id,
  key: z.string(),
  title: z.string(),
  dependsOn: z.array(id),
  tasks: z.array(z.object({ number: z.int().min(1), title: z.string(), complete: z.boolean() })),
  provider: z.string(),
  source: z.string(),
});
export type PlannedUnit = z.output<typeof plannedUnit>;

const limits = z.object({
  attempts: z.int().min(1),
  unitTokens: tokens,
  unitCost: cost,
  runTokens: tokens,
  runCost: cost,
});

const variants = [
  /** The first event of a run: all inputs of its decisions. No branch is read again. */
  z.object({
    type: z.literal('orch.started'),
    run: id,
    target: z.string(),
    /** The commit of the specs and configuration, and the base of units without dependencies. */
    commit: objectId,
    /** From the repository's root to the project; empty, or with a slash at its end. */
    directory: z.string(),
    sandbox: z.enum(['bubblewrap', 'host']),
    parallelism: z.int().min(1),
    verify: z.boolean(),
    limits,
    units: z.array(plannedUnit),
    /** Units that start over, whatever is on their branches. */
    fresh: z.array(id),
    /** Who requested it; null: a user of this machine. */
    actor: z.string().nullable().default(null),
    /** The remote it is for; null: the repository it was started in. */
    remote: z.string().nullable().default(null),
    /** How its branches come onto a new base; undefined: by merges. */
    stack: z.enum(['merge', 'rebase']).optional(),
    /** For an update run, which has one unit; null: a run that a person requested. */
    update: unitUpdate.nullable().default(null),
  }),
  /** A process resumed the run, with these options; or a run that had ended was reopened by a retry. */
  z.object({
    type: z.literal('orch.resumed'),
    run: id,
    sandbox: z.enum(['bubblewrap', 'host']),
    parallelism: z.int().min(1),
    limits,
  }),
  /** The run stopped before its end, and can be resumed. */
  z.object({ type: z.literal('orch.interrupted'), reason: z.string() }),
  /**
   * The run ended: `orch.completed` when every unit is complete or skipped, else `orch.failed`. `head` is that of the
   * integration branch; null: no unit was complete. A server makes no such branch.
   */
  z.object({ type: z.literal('orch.completed'), branch: z.string().nullable(), head: objectId.nullable() }),
  z.object({
    type: z.literal('orch.failed'),
    branch: z.string().nullable(),
    head: objectId.nullable(),
    /** Complete units that could not be merged into the integration branch, with the conflicting files. */
    unmerged: z.array(z.object({ unit: id, files: z.array(z.string()) })),
  }),
  /** The target was merged into this branch, which is the target from now on. */
  z.object({ type: z.literal('orch.retargeted'), target: z.string() }),
  /** An actor cancelled the run. Commits are kept. */
  z.object({ type: z.literal('orch.cancelled'), actor: z.string() }),

  /** The unit waits: at first, and again when a resumed run may get further than before. */
  z.object({ type: z.literal('unit.queued'), ...unit }),
  /**
   * The same key was verified before: no agent starts. `head` null: complete in the specs, without a branch, not verified; or in
   * the target. `doneIn`: the run that did the work.
   */
  z.object({ type: z.literal('unit.satisfied'), ...unit, head: objectId.nullable(), doneIn: id.optional() }),
  /** A worker claimed it. */
  z.object({
    type: z.literal('unit.started'),
    ...unit,
    claim: z.int().min(1),
    branch: z.string(),
    /** The head of the branch; null: there is none yet. */
    pushed: objectId.nullable(),
    /** The commit that its work is compared with, and the heads of the dependencies in that commit, by unit. */
    base: objectId,
    builtOn: z.record(id, objectId),
    /** The commit that work continues from, and the tasks recorded as complete there. */
    head: objectId,
    tasks: z.array(z.int().min(1)),
  }),
  z.object({ type: z.literal('unit.completed'), ...unit, head: objectId, verified: z.boolean() }),
  z.object({
    type: z.literal('unit.failed'),
    ...unit,
    failure: z.enum(FAILURES),
    message: z.string(),
    hint: z.string().nullable(),
    head: objectId.nullable(),
    /** The files of a conflict, the first ones where there are many. */
    files: z.array(z.string()).optional(),
  }),
  /** An update run brought the branch to its new place, and pushed it; or somebody else had. */
  z.object({ type: z.literal('unit.updated'), ...unit, ...updateResult }),
  /** The agent of a review update answered the threads of its round. They hold once the unit is complete. */
  z.object({ type: z.literal('unit.answered'), ...unit, ...reviewAnswers }),
  z.object({ type: z.literal('unit.blocked'), ...unit, cause: id }),
  /** An actor cancelled the unit: its dependents are blocked. */
  z.object({ type: z.literal('unit.cancelled'), ...unit, actor: z.string() }),
  /** Left out of this run: its dependents go on without it. */
  z.object({ type: z.literal('unit.skipped'), ...unit, actor: z.string() }),
  /**
   * An actor requested a retry: attempts start at zero again. `fresh`: it starts over, whatever is on its branch. `from`:
   * tasks from this number on no longer count as complete.
   */
  z.object({
    type: z.literal('unit.retried'),
    ...unit,
    actor: z.string(),
    fresh: z.boolean(),
    from: z.int().min(1).nullable(),
  }),
  /** Its worker released it unfinished. `until`: earliest next claim, in milliseconds since 1970. */
  z.object({ type: z.literal('unit.released'), ...unit, reason: z.string(), until: z.number().nullable() }),
  /** A notice for a person: an agent changed what choo restored, or planted a repository. */
  z.object({ type: z.literal('unit.notice'), ...unit, code: z.string(), message: z.string() }),

  z.object({ type: z.literal('worktree.created'), ...unit, claim: z.int().min(1), path: z.string() }),
  z.object({ type: z.literal('worktree.setup'), ...unit, command: z.string(), ...commandEnd }),
  /** Set-up did not run: what it left behind for the same inputs was used, so old. Milliseconds. */
  z.object({ type: z.literal('setup.reused'), ...unit, key: z.string(), ageMs: z.number() }),
  z.object({ type: z.literal('worktree.removed'), ...unit, path: z.string(), kept: z.boolean() }),

  z.object({ type: z.literal('task.started'), ...task }),
  /** choo starts the task's gate. */
  z.object({ type: z.literal('task.backpressure'), ...task, phase, attempt }),
  z.object({ type: z.literal('task.validation.ok'), ...task, phase, attempt, ...commandEnd }),
  z.object({ type: z.literal('task.validation.fail'), ...task, phase, attempt, ...commandEnd }),
  /** An agent starts, with this reservation. `task` null: to repair a baseline check, or for an update. */
  z.object({
    type: z.literal('task.provider.invoke'),
    ...unit,
    task: z.int().min(1).nullable(),
    attempt,
    provider: z.string(),
    model: z.string().nullable(),
    reservedTokens: tokens,
    reservedCost: cost,
  }),
  /** Usage so far; appended while the agent runs, so that a crash loses little of it. */
  z.object({
    type: z.literal('task.provider.usage'),
    ...unit,
    task: z.int().min(1).nullable(),
    attempt,
    tokens,
    cost,
    basis,
  }),
  z.object({
    type: z.literal('task.provider.done'),
    ...unit,
    task: z.int().min(1).nullable(),
    attempt,
    outcome: z.string(),
    message: z.string(),
    /** The beginning of the last words of an agent that finished: its own summary, which nothing checks. */
    summary: z.string().optional(),
    tokens,
    cost,
    basis,
    durationMs: milliseconds,
  }),
  /** The unit waits for a provider's rate limit or outage; that costs no attempt. */
  z.object({
    type: z.literal('task.provider.waiting'),
    ...unit,
    provider: z.string(),
    reason: z.string(),
    until: z.number(),
  }),
  z.object({ type: z.literal('task.retry'), ...task, attempt, reason: z.string() }),
  /** The gate passed on this tree, and the commit exists; it is not on the branch yet. */
  z.object({
    type: z.literal('task.committed'),
    ...task,
    attempt,
    commit: objectId,
    parent: objectId,
    alreadyGreen: z.boolean(),
  }),
  z.object({ type: z.literal('branch.pushed'), ...unit, branch: z.string(), head: objectId }),
  z.object({
    type: z.literal('task.completed'),
    ...task,
    commit: objectId,
    attempts: attempt,
    alreadyGreen: z.boolean(),
  }),
  z.object({ type: z.literal('task.failed'), ...task, reason: z.string() }),

  /** `phase`: in verify's worktree; undefined: after the tasks, or after a repair. */
  z.object({ type: z.literal('baseline.ok'), ...check, ...commandEnd }),
  z.object({ type: z.literal('baseline.fail'), ...check, ...commandEnd }),
  /** A gate or a baseline check was red and green on the same files. */
  z.object({ type: z.literal('gate.flaky'), ...unit, ...flakyGate }),
  /** A repair for the baseline checks, or the work of an update, is a commit; it is not on the branch yet. */
  z.object({ type: z.literal('baseline.committed'), ...unit, attempt, commit: objectId, parent: objectId }),
  /**
   * The work at `head` was compared with its base as for what judges and builds: files that changed, strictest first, at most 100;
   * `more`: how many others. No change: the judge is as it was. `trial`: how the gates ended with the judge as it was.
   */
  z.object({
    type: z.literal('judge.compared'),
    ...unit,
    head: objectId,
    ...judgeComparison,
  }),
  z.object({ type: z.literal('verify.started'), ...unit, head: objectId }),
  z.object({ type: z.literal('verify.ok'), ...unit, head: objectId, durationMs: milliseconds }),
  z.object({ type: z.literal('verify.fail'), ...unit, head: objectId, message: z.string() }),
] as const;

const bodySchema = z.discriminatedUnion('type', variants);

/** An event before the store gave it a number and a time. */
export type EventBody = z.output<typeof bodySchema>;
export type EventType = EventBody['type'];

/** An event with its number in the run, from 1, and its time in milliseconds since 1970. */
export type RunEvent = EventBody & { readonly seq: number; readonly at: number };

const stampSchema = z.object({ seq: z.int().min(1), at: z.number() });

/** Reads one stored event; undefined when the value is no event. */
export function parseEvent(value: unknown): RunEvent | undefined {
  const [stamp, body] = [stampSchema.safeParse(value), bodySchema.safeParse(value)];
  return stamp.success && body.success ? { ...body.data, ...stamp.data } : undefined;
}

/** The JSON Schema of one event, as `choo run --json` prints them. Fields may be added; readers ignore unknown ones. */
export function eventJsonSchema(): object {
  const schema = z.union(variants.map((variant) => variant.extend(stampSchema.shape)));
  return {
    title: 'a line of choo run --json',
    ...z.toJSONSchema(schema, { target: 'draft-7', io: 'input' }),
  };
}
