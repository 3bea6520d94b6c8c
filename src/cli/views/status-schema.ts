import { z } from 'zod';
import { FAILURES } from '../../events/failure.ts';
import type { Spending } from '../../events/spending.ts';
import type { RunState } from '../../events/state.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import type { Liveness } from '../sources/run-source.ts';
import { totalsOf } from './run-totals.ts';

const time = z.iso.datetime();
const objectId = z.string();

const spending = {
  tokens: z.int().min(0),
  cost: z.number().min(0).nullable().describe('US dollars, as far as known; null: nothing is known.'),
  costBasis: z
    .enum(['told', 'computed', 'reserved'])
    .nullable()
    .describe(
      'How the least certain part of `cost` is known: by the CLI, by list prices, or as what was set aside. null: no cost.',
    ),
  costComplete: z.boolean().describe('False: more was spent than `cost`, and nobody says how much.'),
};

const task = z.strictObject({
  number: z.int().min(1),
  title: z.string(),
  state: z.enum(['pending', 'running', 'complete', 'failed']),
  attempts: z.int().min(0),
  commit: objectId.nullable(),
  alreadyGreen: z.boolean().describe('Its gate passed before any work.'),
});

const unit = z.strictObject({
  id: z.string(),
  title: z.string(),
  state: z.enum(['pending', 'running', 'complete', 'failed', 'blocked', 'cancelled', 'skipped']),
  activity: z
    .enum(['setup', 'gate', 'agent', 'waiting', 'baseline', 'verify', 'git'])
    .nullable()
    .describe('What a running unit is busy with.'),
  task: z.int().min(1).nullable().describe('The task it works on.'),
  attempt: z.int().min(0),
  tasks: z.array(task),
  dependsOn: z.array(z.string()),
  provider: z.string(),
  key: z.string(),
  branch: z.string().nullable(),
  head: objectId.nullable().describe('Where choo left its branch.'),
  verified: z.boolean(),
  failure: z.enum(FAILURES).nullable(),
  message: z.string().nullable(),
  hint: z.string().nullable(),
  cause: z.string().nullable().describe('The unit that blocks it.'),
  givenBack: z.string().nullable().describe('Why its last worker gave it back, until it starts again.'),
  until: time.nullable().describe('It waits at least that long.'),
  notices: z.array(z.strictObject({ code: z.string(), message: z.string() })),
  ...spending,
  startedAt: time.nullable(),
  endedAt: time.nullable(),
});

/** A run at one moment. Source of its type and of its JSON Schema. */
const statusSchema = z.strictObject({
  version: z.literal(1),
  run: z.string(),
  status: z
    .enum(['running', 'waiting', 'stopped', 'interrupted', 'complete', 'failed', 'cancelled'])
    .describe(
      'waiting: for another run. stopped: its process ended without a word. stopped and interrupted runs can go on.',
    ),
  owner: z
    .strictObject({ pid: z.int(), host: z.string(), since: time })
    .nullable()
    .describe('The process that works on it now; of several, the one that has for longest.'),
  seq: z.int().min(1).describe('The number of the last event this follows from.'),
  remote: z.string().nullable().describe('The git remote it is for; null: the repository it was started in.'),
  actor: z.string().nullable().describe('Who asked for it; null: whoever sat at the machine.'),
  target: z.string(),
  commit: objectId.describe('What specs and configuration were read at.'),
  branch: z.string().nullable().describe('What the result was merged into.'),
  head: objectId.nullable(),
  unmerged: z.array(z.strictObject({ unit: z.string(), files: z.array(z.string()) })),
  parallelism: z.int().min(1),
  verify: z.boolean(),
  startedAt: time,
  lastAt: time.describe('When the last event happened.'),
  units: z.array(unit),
  totals: z.strictObject({
    complete: z.int().min(0),
    running: z.int().min(0),
    failed: z.int().min(0),
    blocked: z.int().min(0),
    cancelled: z.int().min(0),
    skipped: z.int().min(0),
    waiting: z.int().min(0),
    criticalTasks: z.int().min(0).describe('Tasks left on the longest way through what can still be done.'),
    ...spending,
  }),
});

export type RunStatus = z.output<typeof statusSchema>;

/** The JSON Schema of `choo status --json`. */
export function statusJsonSchema(): object {
  return { title: 'choo status --json', ...z.toJSONSchema(statusSchema, { target: 'draft-7' }) };
}

/** A run as a value for scripts. */
export function statusOf(state: RunState, { status, owner }: Liveness): RunStatus {
  const { start } = state;
  const { spending, ...counts } = totalsOf(state);
  return {
    version: 1,
    run: start.run,
    status,
    owner: owner === undefined ? null : { pid: owner.pid, host: owner.host, since: isoTime(owner.since) },
    seq: state.seq,
    remote: start.remote,
    actor: start.actor,
    target: start.target,
    commit: start.commit,
    branch: state.branch,
    head: state.head,
    unmerged: state.unmerged.map(({ unit, files }) => ({ unit, files: [...files] })),
    parallelism: start.parallelism,
    verify: start.verify,
    startedAt: isoTime(state.startedAt),
    lastAt: isoTime(state.lastAt),
    units: [...state.units.values()].map(unitStatus),
    totals: { ...counts, ...amounts(spending) },
  };
}

function unitStatus(unit: UnitProgress): RunStatus['units'][number] {
  const { id, title, dependsOn, provider, key } = unit.plan;
  return {
    id,
    title,
    state: unit.state,
    activity: unit.activity,
    task: unit.task,
    attempt: unit.attempt,
    tasks: unit.plan.tasks.flatMap(({ number, title }) => {
      const task = unit.tasks.get(number);
      return task === undefined ? [] : [{ number, title, ...task }];
    }),
    dependsOn,
    provider,
    key,
    branch: unit.branch,
    head: unit.head,
    verified: unit.verified,
    failure: unit.failure,
    message: unit.message,
    hint: unit.hint,
    cause: unit.cause,
    givenBack: unit.releaseReason,
    until: optionalTime(unit.until),
    notices: [...unit.notices],
    ...amounts(unit.spending),
    startedAt: optionalTime(unit.startedAt),
    endedAt: optionalTime(unit.endedAt),
  };
}

function amounts({ tokens, cost, unknownCost, basis }: Spending): z.output<z.ZodObject<typeof spending>> {
  return {
    tokens,
    cost: unknownCost && cost === 0 ? null : cost,
    costBasis: basis ?? null,
    costComplete: !unknownCost,
  };
}

function isoTime(at: number): string {
  return new Date(at).toISOString();
}

function optionalTime(at: number | null): string | null {
  return at === null ? null : isoTime(at);
}
