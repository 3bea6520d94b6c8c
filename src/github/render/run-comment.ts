import type { UnitState } from '../../events/run-rules.ts';
import { sumSpending } from '../../events/spending.ts';
import type { RunState } from '../../events/state.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import { MAX_NODES, renderFlowchart } from '../../plan/mermaid.ts';
import { describeCost, formatCost, formatDuration, formatTokens } from '../../text/amounts.ts';
import { NODE_STYLES } from '../../text/mermaid-styles.ts';
import { count } from '../../text/terminal-layout.ts';
import { offeredCommands } from '../commands/commands.ts';
import {
  code,
  details,
  fenced,
  filledTable,
  fit,
  inline,
  listed,
  rowsWithin,
  type Section,
} from './markdown.ts';
import { failedUnits, failureLine, ORDER, pullOf, SIGN, type UnitLinks, verdictOf } from './run-words.ts';
import { words } from './words.ts';

/** A run, and what it is linked with. */
export interface RunCommentInput {
  readonly state: RunState;
  /** The run that it waits for. */
  readonly waits: string | null;
  /** A newer run of the same thread, which commands there are for; null: there is none. */
  readonly overtakenBy: { readonly run: string; readonly url: string } | null;
  readonly links: UnitLinks;
  /** The units whose results have no pull request, because the run opened as many as the operator allows. */
  readonly withoutPull: { readonly units: readonly string[]; readonly most: number };
  /** What GitHub did not take, a sentence each. */
  readonly refusals: readonly string[];
  readonly marker: string;
  /** Whether commands can be given where it is shown. */
  readonly isThread: boolean;
}

const STYLES: Readonly<Record<UnitState, string>> = {
  pending: NODE_STYLES.waiting,
  running: NODE_STYLES.active,
  complete: NODE_STYLES.good,
  failed: NODE_STYLES.bad,
  blocked: NODE_STYLES.warning,
  cancelled: NODE_STYLES.faded,
  skipped: NODE_STYLES.faded,
};

/** The longest status comment: what GitHub takes, with room for what a later line may add. Characters. */
const MAX_LENGTH = 60_000;
/** How many characters the tables of units may take together. */
const TABLE = 30_000;
/** How many what went wrong may take. */
const FAILURE_TEXTS = 18_000;
/** Failures, and units of one state, that are shown open; more are folded. */
const MAX_OPEN = 10;
/** A graph of more units is folded. */
const MAX_OPEN_NODES = 20;

/** The one status comment of a run: how it stands, what failed, what to do; then the details. Pure. */
export function renderRunComment(shown: RunCommentInput): string {
  const { state, marker, isThread, overtakenBy } = shown;
  return fit(
    [
      { text: `**${verdictOf(state, shown.waits)}**`, rank: 0, name: 'the verdict' },
      { text: overtakenOf(shown), rank: 0, name: 'the newer run' },
      ...failuresOf(shown),
      { text: withoutPullOf(shown), rank: 1, name: 'what has no pull request' },
      { text: refusalsOf(shown), rank: 1, name: 'what GitHub refused' },
      { text: isThread && overtakenBy === null ? commandsOf(state) : '', rank: 0, name: 'commands' },
      { text: sourceOf(state), rank: 0, name: 'the summary' },
      { text: unitsOf(shown), rank: 2, name: 'the table of units' },
      { text: graphOf(state), rank: 3, name: 'the graph' },
    ],
    marker,
    MAX_LENGTH,
  );
}

function overtakenOf({ overtakenBy, state }: RunCommentInput): string {
  if (overtakenBy === null) return '';
  const { run, url } = overtakenBy;
  return `**Overtaken by [run ${run}](${url})**, which is newer on this thread: commands here are for that one. This is how ${code(state.start.run)} ended.`;
}

function sourceOf({ start, units, target, startedAt, lastAt }: RunState): string {
  const spent = sumSpending([...units.values()].map(({ spending }) => spending));
  const who = start.actor === null ? '' : `, asked for by ${code(start.actor)}`;
  return `Specs at ${start.commit.slice(0, 12)}${who}; results go to ${code(target)}. ${formatDuration(lastAt - startedAt)}, ${formatTokens(spent.tokens)} tokens, ${describeCost(spent)}${start.sandbox === 'host' ? '; **not sandboxed**: this server runs with `CHOO_SANDBOX=host`' : ''}.`;
}

const HEAD = ['Unit', 'State', 'Tasks', 'Attempts', 'Time', 'Tokens', 'Cost', 'Result'];

/** The units that somebody may have to look at, open; the many that are alike, folded by their state. */
function unitsOf({ state, links }: RunCommentInput): string {
  const groups = [...Map.groupBy(state.units.values(), groupOf)].sort(
    ([a], [b]) => ORDER.indexOf(a) - ORDER.indexOf(b),
  );
  const [open, folded]: [UnitProgress[], (readonly [UnitState, readonly UnitProgress[]])[]] = [[], []];
  for (const [group, units] of groups) {
    const most = units.length <= MAX_OPEN ? units.length : group === 'complete' ? 0 : MAX_OPEN;
    open.push(...units.slice(0, most));
    if (most < units.length) folded.push([group, units.slice(most)]);
  }
  let left = TABLE;
  const within = (units: readonly UnitProgress[]): string => {
    const { rows, missing } = rowsWithin(units, left, (unit) => rowOf(unit, state, links));
    left -= rows.flat().reduce((sum, cell) => sum + cell.length + 3, 0);
    const more = missing > 0 ? `… and ${missing} more.` : '';
    return [rows.length === 0 ? '' : filledTable(HEAD, rows), more]
      .filter((part) => part !== '')
      .join('\n\n');
  };
  return [
    ...(open.length === 0 ? [] : [within(open)]),
    ...folded.map(([group, units]) =>
      details(`${SIGN[group]}: ${units.length}${group === 'complete' ? '' : ' more'}`, within(units)),
    ),
  ].join('\n\n');
}

/** Those that nothing is left to do for are one group. */
function groupOf({ state }: UnitProgress): UnitState {
  return state === 'skipped' ? 'complete' : state;
}

function rowOf(unit: UnitProgress, { lastAt }: RunState, links: UnitLinks): readonly string[] {
  const { plan, spending, startedAt, endedAt, doneIn } = unit;
  const tasks = [...unit.tasks.values()];
  const attempts = tasks.reduce((sum, task) => sum + task.attempts, 0);
  const isReused = doneIn !== null && startedAt === null;
  return [
    code(plan.id),
    stateOf(unit, links),
    isReused ? '' : `${tasks.filter((task) => task.state === 'complete').length}/${tasks.length}`,
    isReused ? '' : String(attempts),
    startedAt === null ? '' : formatDuration((endedAt ?? lastAt) - startedAt),
    spending.tokens === 0 ? '' : formatTokens(spending.tokens),
    spending.tokens === 0 ? '' : formatCost(spending),
    doneIn === null ? pullOf(plan.id, links) : '',
  ];
}

function stateOf({ plan, state, cause, releaseReason, doneIn }: UnitProgress, links: UnitLinks): string {
  if (cause !== null) return `${SIGN[state]} by ${code(cause)}`;
  if (doneIn !== null && state === 'complete') {
    const pull = pullOf(plan.id, links);
    return `✅ done before, in run ${code(doneIn)}${pull === '' ? '' : `, ${pull}`}`;
  }
  const isBack = state === 'pending' && releaseReason !== null;
  return isBack ? `${SIGN[state]}: ${words(releaseReason, 150)}` : SIGN[state];
}

function graphOf({ units }: RunState): string {
  if (units.size > MAX_NODES) return `The graph has ${units.size} units: too many to draw.`;
  const nodes = [...units.values()].map(({ plan, state }) => ({
    id: plan.id,
    dependsOn: plan.dependsOn,
    lines: [plan.id, state],
    style: state,
  }));
  const drawing = fenced(renderFlowchart(nodes, STYLES).trimEnd(), 'mermaid');
  return units.size > MAX_OPEN_NODES
    ? details(`The graph of ${count(units.size, 'unit')}`, drawing)
    : drawing;
}

/** What a person should know, or do, about units that failed. */
function failuresOf({ state, links }: RunCommentInput): readonly Section[] {
  const { rows, missing } = rowsWithin(failedUnits(state), FAILURE_TEXTS, (unit) => [
    failureLine(unit, links),
  ]);
  const lines = [...rows.flat(), ...(missing > 0 ? [`- … and ${missing} more.`] : [])];
  const folded = lines.slice(MAX_OPEN);
  return [
    { text: lines.slice(0, MAX_OPEN).join('\n'), rank: 1, name: 'what went wrong' },
    {
      text: folded.length === 0 ? '' : details('What else failed', folded.join('\n')),
      rank: 1,
      name: 'what else went wrong',
    },
  ];
}

function withoutPullOf({ withoutPull: { units, most } }: RunCommentInput): string {
  if (units.length === 0) return '';
  const named = listed(
    units.map((id) => code(id)),
    50,
  );
  return `The operator allows a run ${most} pull requests (CHOO_MAX_PULL_REQUESTS). These results are on their branches alone: ${named}.`;
}

/** How many refusals are shown one by one. */
const REFUSALS = 20;

function refusalsOf({ refusals }: RunCommentInput): string {
  if (refusals.length === 0) return '';
  const lines = refusals.slice(0, REFUSALS).map((sentence) => `- ${inline(sentence, 500)}`);
  const more = refusals.length > REFUSALS ? [`- … and ${refusals.length - REFUSALS} more.`] : [];
  return ['GitHub did not take all of this, and is asked again each minute:', '', ...lines, ...more].join(
    '\n',
  );
}

/** The commands that make sense now. */
function commandsOf(state: RunState): string {
  const commands = offeredCommands({
    isOver: state.status !== 'running' && state.status !== 'interrupted',
    isComplete: state.status === 'complete',
    failed: failedUnits(state).map(({ plan }) => plan.id),
  });
  return `Available commands: ${commands.map((command) => code(command)).join(' · ')}`;
}
