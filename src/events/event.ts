import { z } from 'zod';

/**
 * Every fact of a run, one documented variant each. Events are the truth: what a run is can be told from them alone, they
 * are numbered within it, and they are written before anything is built on them. Stored as JSON, so checked when read.
 */

const id = z.string().min(1);
const objectId = z.string().regex(/^[0-9a-f]{40,64}$/);
const tokens = z.int().min(0);
/** US dollars; null: nobody said, which is not the same as nothing. */
const cost = z.number().min(0).nullable();
/**
 * How that is known: the CLI told it; it is computed from tokens and list prices; it is what was set aside for the attempt,
 * because neither is known. Null: there is none, or an older choo wrote it, which took only what a CLI told.
 */
const basis = z.enum(['told', 'computed', 'reserved']).nullable().default(null);
const milliseconds = z.number().min(0);
const unit = { unit: id };
const task = { unit: id, task: z.int().min(1) };
/** From 1; 0 stands for what needs no agent. */
const attempt = z.int().min(0);

export type CostBasis = 'told' | 'computed' | 'reserved';

/** When a gate ran: on the base before any work, again on what an earlier process left, after an attempt, in the fresh worktree. */
const GATE_PHASES = ['base', 'resume', 'attempt', 'verify'] as const;
export type GatePhase = (typeof GATE_PHASES)[number];
const phase = z.enum(GATE_PHASES);

/** How a command ended that choo ran itself. `exitCode` null: it did not come to its own end, `ending` says why. */
const commandEnd = {
  exitCode: z.int().nullable(),
  ending: z.string(),
  durationMs: milliseconds,
  /** The end of what it printed; empty where it passed. */
  tail: z.string(),
};

/** Why a unit failed, for code that must act on it. */
export const FAILURES = [
  'attempts', // every attempt at a task ended with a red gate or without a result
  'environment', // what cannot run here: exit status 126 or 127, a missing executable, an unknown model
  'not-authenticated',
  'budget', // tokens or money
  'conflict', // heads that do not merge
  'needs-human', // a head that choo did not make, specs that cannot be written back
  'baseline',
  'verify',
  'waiting', // a limit or an outage outlasted the patience with it
  'internal',
] as const;
export type Failure = (typeof FAILURES)[number];

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
  /** The first event of a run: everything it was decided on. No branch is read again. */
  z.object({
    type: z.literal('orch.started'),
    run: id,
    target: z.string(),
    /** The commit that specs and configuration were read at, and that units without dependencies start from. */
    commit: objectId,
    /** From the repository's root to the project; empty, or with a slash at its end. */
    directory: z.string(),
    sandbox: z.enum(['bubblewrap', 'host']),
    parallelism: z.int().min(1),
    verify: z.boolean(),
    limits,
    units: z.array(plannedUnit),
    /** Units that start over, whatever their branches hold. */
    fresh: z.array(id),
    /** Who asked for it; null: whoever sat at this machine. */
    actor: z.string().nullable().default(null),
    /** The remote it is for; null: the repository it was started in. */
    remote: z.string().nullable().default(null),
  }),
  /** Another process goes on with the run, as it was asked to; or a run that had ended gets another turn. */
  z.object({
    type: z.literal('orch.resumed'),
    run: id,
    sandbox: z.enum(['bubblewrap', 'host']),
    parallelism: z.int().min(1),
    limits,
  }),
  /** The run stopped before its end, and can go on. */
  z.object({ type: z.literal('orch.interrupted'), reason: z.string() }),
  /**
   * Every unit is complete or was left out by request; or not. `head` is that of the integration branch; null: nothing was
   * complete. A server makes no such branch.
   */
  z.object({ type: z.literal('orch.completed'), branch: z.string().nullable(), head: objectId.nullable() }),
  z.object({
    type: z.literal('orch.failed'),
    branch: z.string().nullable(),
    head: objectId.nullable(),
    /** Complete units that could not be merged into the integration branch, with the files that conflict. */
    unmerged: z.array(z.object({ unit: id, files: z.array(z.string()) })),
  }),
  /** The branch that results went to was merged into this one: from now on they go there. */
  z.object({ type: z.literal('orch.retargeted'), target: z.string() }),
  /** Somebody wanted no more of it. What is committed stays. */
  z.object({ type: z.literal('orch.cancelled'), actor: z.string() }),

  /** It waits for its turn: at first, and again when a run goes on and may come further than before. */
  z.object({ type: z.literal('unit.queued'), ...unit }),
  /** The same key was verified before: no agent starts. `head` null: complete in the specs, without a branch, not verified. */
  z.object({ type: z.literal('unit.satisfied'), ...unit, head: objectId.nullable() }),
  /** A worker took it. */
  z.object({
    type: z.literal('unit.started'),
    ...unit,
    claim: z.int().min(1),
    branch: z.string(),
    /** Where the branch stands; null: there is none yet. */
    pushed: objectId.nullable(),
    /** The commit that its work is measured against, and the heads of the dependencies that it holds, by unit. */
    base: objectId,
    builtOn: z.record(id, objectId),
    /** Where work goes on, and the tasks that are said to be complete there. */
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
  }),
  z.object({ type: z.literal('unit.blocked'), ...unit, cause: id }),
  /** Somebody wanted no more of it: what depends on it is blocked. */
  z.object({ type: z.literal('unit.cancelled'), ...unit, actor: z.string() }),
  /** Left out of this run: what depends on it goes on without it. */
  z.object({ type: z.literal('unit.skipped'), ...unit, actor: z.string() }),
  /**
   * Somebody asked for another turn: attempts start at none again. `fresh`: it starts over, whatever its branch holds.
   * `from`: tasks from this number on count as not done any more.
   */
  z.object({
    type: z.literal('unit.retried'),
    ...unit,
    actor: z.string(),
    fresh: z.boolean(),
    from: z.int().min(1).nullable(),
  }),
  /** Its worker gave it back undone. `until`, in milliseconds since 1970: not before that. */
  z.object({ type: z.literal('unit.released'), ...unit, reason: z.string(), until: z.number().nullable() }),
  /** Something that a person should know: what an agent changed and choo put back, a repository it planted. */
  z.object({ type: z.literal('unit.notice'), ...unit, code: z.string(), message: z.string() }),

  z.object({ type: z.literal('worktree.created'), ...unit, claim: z.int().min(1), path: z.string() }),
  z.object({ type: z.literal('worktree.setup'), ...unit, command: z.string(), ...commandEnd }),
  z.object({ type: z.literal('worktree.removed'), ...unit, path: z.string(), kept: z.boolean() }),

  z.object({ type: z.literal('task.started'), ...task }),
  /** choo starts the task's gate. */
  z.object({ type: z.literal('task.backpressure'), ...task, phase, attempt }),
  z.object({ type: z.literal('task.validation.ok'), ...task, phase, attempt, ...commandEnd }),
  z.object({ type: z.literal('task.validation.fail'), ...task, phase, attempt, ...commandEnd }),
  /** An agent starts, with this much of the budgets set aside for it. `task` null: to repair a baseline check. */
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
  /** What it has spent so far; comes while it runs, so that a crash loses little of it. */
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
    tokens,
    cost,
    basis,
    durationMs: milliseconds,
  }),
  /** The provider's limits or outages are waited out; that costs no attempt. */
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

  z.object({ type: z.literal('baseline.ok'), ...unit, name: z.string(), attempt, ...commandEnd }),
  z.object({ type: z.literal('baseline.fail'), ...unit, name: z.string(), attempt, ...commandEnd }),
  /** A repair for the baseline checks is a commit; it is not on the branch yet. */
  z.object({ type: z.literal('baseline.committed'), ...unit, attempt, commit: objectId, parent: objectId }),
  z.object({ type: z.literal('verify.started'), ...unit, head: objectId }),
  z.object({ type: z.literal('verify.ok'), ...unit, head: objectId, durationMs: milliseconds }),
  z.object({ type: z.literal('verify.fail'), ...unit, head: objectId, message: z.string() }),
] as const;

const bodySchema = z.discriminatedUnion('type', variants);

/** What happened, before the store gave it a number and a time. */
export type EventBody = z.output<typeof bodySchema>;
export type EventType = EventBody['type'];

/** What happened, when (milliseconds since 1970), and as which fact of its run, from 1. */
export type RunEvent = EventBody & { readonly seq: number; readonly at: number };

const stampSchema = z.object({ seq: z.int().min(1), at: z.number() });

/** Reads one stored event; undefined: it is none. */
export function parseEvent(value: unknown): RunEvent | undefined {
  const [stamp, body] = [stampSchema.safeParse(value), bodySchema.safeParse(value)];
  return stamp.success && body.success ? { ...body.data, ...stamp.data } : undefined;
}

/** The JSON Schema of one event, as `choo run --json` prints them. Fields may be added; readers pass by what they do not know. */
export function eventJsonSchema(): object {
  const schema = z.union(variants.map((variant) => variant.extend(stampSchema.shape)));
  return {
    title: 'a line of choo run --json',
    ...z.toJSONSchema(schema, { target: 'draft-7', io: 'input' }),
  };
}
