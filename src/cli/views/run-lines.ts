import type { EventBody, EventType, RunEvent } from '../../events/event.ts';
import type { RunState } from '../../events/state.ts';
import { describeFlaky } from '../../events/flaky-gate.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import { describeCost, formatDuration, formatTokens } from '../../text/amounts.ts';
import { reuseText } from '../../text/set-up-words.ts';
import { wasMoved } from '../../events/unit-update.ts';
import { count, printable } from '../../text/terminal-layout.ts';
import { describeJudge } from './describe-judge.ts';

/**
 * One event as a line of text, for a run whose output goes into a file or a pipe; undefined for one that says nothing a
 * reader misses. `state` is the run's after the event. No line feed at the end, none within.
 */
export function renderRunLine(event: RunEvent, state: RunState): string | undefined {
  const unit = 'unit' in event ? state.units.get(event.unit) : undefined;
  const tell = LINES[event.type] as RenderEvent<EventType>;
  const text = tell(event, { unit, attempts: state.start.limits.attempts });
  if (text === undefined) return undefined;
  const words = 'unit' in event ? `[${event.unit}] ${partOf(event, unit)}${text}` : text;
  return printable(words);
}

interface LineContext {
  /** The unit it happened to. */
  readonly unit: UnitProgress | undefined;
  /** How many attempts a task has. */
  readonly attempts: number;
}

type RenderEvent<Type extends EventType> = (
  event: Extract<EventBody, { type: Type }>,
  around: LineContext,
) => string | undefined;

/** `task 2/5: `, `repair: `, or nothing where the whole unit is meant. */
function partOf(event: RunEvent, unit: UnitProgress | undefined): string {
  if (!('task' in event)) return '';
  return event.task === null ? 'repair: ' : `task ${event.task}/${unit?.plan.tasks.length ?? '?'}: `;
}

const nothing = (): undefined => undefined;

const LINES: { readonly [Type in EventType]: RenderEvent<Type> } = {
  'orch.started': ({ run, units, parallelism, sandbox, actor }) => {
    const tasks = units.reduce((sum, unit) => sum + unit.tasks.length, 0);
    return `run ${run}: ${count(units.length, 'unit')}, ${count(tasks, 'task')}, ${parallelism} at a time, sandbox ${sandbox}${actor === null ? '' : `, for ${actor}`}`;
  },
  'orch.resumed': ({ sandbox }) => `the run resumes, sandbox ${sandbox}`,
  'orch.interrupted': ({ reason }) => `the run is interrupted: ${reason}`,
  'orch.completed': ({ head, branch }) =>
    branch === null
      ? 'the run is complete'
      : `the run is complete${head === null ? ', with nothing to do' : `: ${branch}`}`,
  'orch.retargeted': ({ target }) => `the target branch is now ${printable(target)}`,
  'orch.cancelled': ({ actor }) => `the run was cancelled by ${actor}`,
  'orch.failed': () => 'the run ended with incomplete units',

  'unit.queued': nothing,
  'unit.satisfied': ({ head }) =>
    head === null
      ? 'complete in the specs already, not verified'
      : `complete and verified already, at ${short(head)}`,
  'unit.updated': ({ from, to, onto, way }) =>
    from === to
      ? `contains ${short(onto)} already`
      : `${wasMoved(way) ? 'found' : 'brought'} up to date with ${short(onto)}, at ${short(to)}`,
  'unit.answered': ({ answers }) => `answered ${count(answers.length, 'thread')} of its review`,
  'unit.started': ({ claim, branch }) => (claim === 1 ? `starts on ${branch}` : `resumes on ${branch}`),
  'unit.completed': ({ verified, head }, { unit }) =>
    `complete${verified ? ' and verified' : ', not verified'} at ${short(head)}${spent(unit)}`,
  'unit.failed': ({ message, hint }) => `failed: ${message}${hint === null ? '' : ` (${hint})`}`,
  'unit.blocked': ({ cause }) => `blocked by ${cause}`,
  'unit.cancelled': ({ actor }) => `cancelled by ${actor}`,
  'unit.skipped': ({ actor }) => `skipped by ${actor}: its dependents continue without it`,
  'unit.retried': ({ actor, fresh, from }) =>
    `retried by ${actor}${fresh ? ', from the start' : from === null ? '' : `, from task ${from} on`}`,
  'unit.released': ({ reason, until }) => `requeued: ${reason}${untilText(until)}`,
  'unit.notice': ({ message }) => `note: ${message}`,

  'worktree.created': nothing,
  'worktree.setup': (event) => `setup ${ending(event)}: ${event.command}`,
  'setup.reused': ({ key, ageMs }) => `set-up reused: ${reuseText({ key, ageMs })}`,
  'worktree.removed': ({ kept, path }) => (kept ? `worktree kept: ${path}` : undefined),

  'task.started': ({ task }, { unit }) =>
    unit?.plan.tasks.find(({ number }) => number === task)?.title ?? 'starts',
  'task.backpressure': nothing,
  'task.validation.ok': (event) => `gate ${ending(event)}${PHASES[event.phase]}`,
  // Before any work a gate is red: that is what the work is for.
  'task.validation.fail': (event, { attempts }) =>
    event.phase === 'base'
      ? undefined
      : `gate ${ending(event)}${event.phase === 'attempt' ? `, attempt ${event.attempt} of ${attempts}` : PHASES[event.phase]}${why(event)}`,
  'task.provider.invoke': ({ provider, model, attempt }, { attempts }) =>
    `${provider} works${model === null ? '' : ` (${model})`}, attempt ${attempt} of ${attempts}`,
  'task.provider.usage': nothing,
  'task.provider.done': ({ outcome, message, tokens, cost, basis, durationMs }) => {
    const price = describeCost({ cost: cost ?? 0, unknownCost: cost === null, basis: basis ?? 'told' });
    const words = message === '' ? '' : `: ${message}`;
    return `agent ${outcome} after ${formatDuration(durationMs)}, ${formatTokens(tokens)} tokens, ${price}${words}`;
  },
  'task.provider.waiting': ({ provider, reason, until }) =>
    `waiting for ${provider} (${reason})${untilText(until)}`,
  'task.retry': ({ attempt, reason }, { attempts }) =>
    `retrying, attempt ${attempt} of ${attempts}: ${reason}`,
  'task.committed': nothing,
  'branch.pushed': nothing,
  'task.completed': ({ commit, alreadyGreen }) =>
    `complete in ${short(commit)}${alreadyGreen ? ', its gate was already green' : ''}`,
  'task.failed': ({ reason }) => `failed: ${reason}`,

  'baseline.ok': (event) => `baseline check ${event.name} ${ending(event)}${whereChecked(event)}`,
  'baseline.fail': (event) =>
    `baseline check ${event.name} ${ending(event)}${whereChecked(event)}${why(event)}`,
  'baseline.committed': ({ commit }) => `baseline checks repaired in ${short(commit)}`,
  'gate.flaky': describeFlaky,
  'verify.started': ({ head }) => `verifying ${short(head)}`,
  'verify.ok': ({ durationMs }) => `verified (${formatDuration(durationMs)})`,
  'verify.fail': ({ message }) => `not verified: ${message}`,
  'judge.compared': (event) => describeJudge(event, ({ path }) => path, Number.POSITIVE_INFINITY),
};

const PHASES = {
  base: ' before any work',
  resume: ' on earlier commits',
  attempt: '',
  verify: ' in a fresh worktree',
} as const;

function whereChecked({ phase }: { readonly phase?: 'verify' | undefined }): string {
  return phase === undefined ? '' : PHASES[phase];
}

type CommandEnd = Extract<EventBody, { type: 'baseline.ok' }>;

/** `green (1s)`, `red (exit 1)`, `red (timeout)`. */
function ending({
  exitCode,
  ending,
  durationMs,
}: Pick<CommandEnd, 'exitCode' | 'ending' | 'durationMs'>): string {
  if (exitCode === 0) return `green (${formatDuration(durationMs)})`;
  return `red (${exitCode === null ? ending : `exit ${exitCode}`})`;
}

/** The first failure of a command that is red. */
function why({ reason }: Pick<CommandEnd, 'reason'>): string {
  return reason === undefined ? '' : `: ${reason.text}`;
}

function spent(unit: UnitProgress | undefined): string {
  if (unit === undefined || unit.startedAt === null || unit.endedAt === null) return '';
  const { tokens } = unit.spending;
  const amounts = tokens === 0 ? '' : `, ${formatTokens(tokens)} tokens, ${describeCost(unit.spending)}`;
  return `, ${formatDuration(unit.endedAt - unit.startedAt)}${amounts}`;
}

function untilText(at: number | null): string {
  return at === null ? '' : `, until ${new Date(at).toISOString()}`;
}

function short(commit: string): string {
  return commit.slice(0, 12);
}
