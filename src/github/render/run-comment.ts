import type { UnitState } from '../../events/run-rules.ts';
import { sumSpending } from '../../events/spending.ts';
import type { RunState } from '../../events/state.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import { MAX_NODES, renderFlowchart } from '../../plan/mermaid.ts';
import { describeCost, formatCost, formatDuration, formatTokens } from '../../text/amounts.ts';
import { NODE_STYLES } from '../../text/mermaid-styles.ts';
import { count } from '../../text/terminal-layout.ts';
import { offeredCommands } from '../commands/commands.ts';
import { code, fenced, fit, inline, listed, rowsWithin, table } from './markdown.ts';

/** The pull request of a unit, as far as there is one. */
export interface UnitLink {
  readonly pull: {
    readonly number: number;
    readonly state: 'open' | 'merged' | 'closed' | 'lost';
    /** The commit that took its merge back. */
    readonly revert?: string;
  } | null;
}

/** A run, and what it is linked with. */
export interface RunCommentInput {
  readonly state: RunState;
  /** The run that it waits for. */
  readonly waits: string | null;
  readonly links: ReadonlyMap<string, UnitLink>;
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

const SIGN: Readonly<Record<UnitState, string>> = {
  pending: '⏳ waiting',
  running: '🔵 running',
  complete: '✅ complete',
  failed: '❌ failed',
  blocked: '🚧 blocked',
  cancelled: '⛔ cancelled',
  skipped: '⏭️ skipped',
};

/** What a reader looks for first. */
const ORDER: readonly UnitState[] = [
  'failed',
  'blocked',
  'running',
  'cancelled',
  'pending',
  'complete',
  'skipped',
];

/** How many characters the table of units may take. */
const TABLE = 35_000;
/** How many what went wrong may take. */
const FAILURE_TEXTS = 20_000;

/** The one status comment of a run. Pure. */
export function renderRunComment(shown: RunCommentInput): string {
  const { state, marker } = shown;
  return fit(
    [
      { text: headlineOf(shown), rank: 0, name: 'the summary' },
      { text: failuresOf(state), rank: 1, name: 'what went wrong' },
      { text: withoutPullOf(shown), rank: 1, name: 'what has no pull request' },
      { text: refusalsOf(shown), rank: 1, name: 'what GitHub refused' },
      { text: unitsOf(shown), rank: 2, name: 'the table of units' },
      { text: graphOf(state), rank: 3, name: 'the graph' },
      { text: shown.isThread ? commandsOf(state) : '', rank: 0, name: 'commands' },
    ],
    marker,
  );
}

const STATUS: Readonly<Record<RunState['status'], string>> = {
  running: 'is under way',
  interrupted: 'is interrupted',
  complete: 'is complete',
  failed: 'has failed units',
  cancelled: 'was cancelled',
};

function headlineOf({ state, waits }: RunCommentInput): string {
  const { start, units, status, startedAt, lastAt } = state;
  const done = [...units.values()].filter((unit) => unit.state === 'complete').length;
  const spent = sumSpending([...state.units.values()].map(({ spending }) => spending));
  const how = waits === null ? STATUS[status] : `waits for run ${code(waits)} on the same branch`;
  const who = start.actor === null ? '' : `, asked for by ${code(start.actor)}`;
  return [
    `**Run ${code(start.run)} ${how}: ${done} of ${count(units.size, 'unit')}.**`,
    `Specs at ${start.commit.slice(0, 12)}${who}; results go to ${code(state.target)}. ${formatDuration(lastAt - startedAt)}, ${formatTokens(spent.tokens)} tokens, ${describeCost(spent)}${start.sandbox === 'host' ? '; **not sandboxed**: this server runs with `CHOO_SANDBOX=host`' : ''}.`,
  ].join('\n\n');
}

const PULL: Readonly<Record<NonNullable<UnitLink['pull']>['state'], string>> = {
  open: '',
  merged: ' (merged)',
  closed: ' (closed)',
  lost: ' (closed when a branch was deleted)',
};

function unitsOf({ state, links }: RunCommentInput): string {
  const units = [...state.units.values()].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  const { rows, missing } = rowsWithin(units, TABLE, (unit) => {
    const { plan, spending, startedAt, endedAt } = unit;
    const tasks = [...unit.tasks.values()];
    const pull = links.get(plan.id)?.pull;
    const attempts = tasks.reduce((sum, task) => sum + task.attempts, 0);
    return [
      code(plan.id),
      stateOf(unit),
      `${tasks.filter((task) => task.state === 'complete').length}/${tasks.length}`,
      String(attempts),
      startedAt === null ? '' : formatDuration((endedAt ?? state.lastAt) - startedAt),
      spending.tokens === 0 ? '' : formatTokens(spending.tokens),
      spending.tokens === 0 ? '' : formatCost(spending),
      pull == null ? '' : `#${pull.number}${becameOf(pull)}`,
    ];
  });
  const head = ['Unit', 'State', 'Tasks', 'Attempts', 'Time', 'Tokens', 'Cost', 'Result'];
  return `${table(head, rows)}${missing > 0 ? `\n\n… and ${missing} more.` : ''}`;
}

function becameOf({ state, revert }: NonNullable<UnitLink['pull']>): string {
  return revert === undefined ? PULL[state] : ` (reverted by ${code(revert.slice(0, 12))})`;
}

function stateOf({ state, cause, releaseReason }: UnitProgress): string {
  if (cause !== null) return `${SIGN[state]} by ${code(cause)}`;
  const isBack = state === 'pending' && releaseReason !== null;
  return isBack ? `${SIGN[state]}: ${inline(releaseReason, 150)}` : SIGN[state];
}

function graphOf({ units }: RunState): string {
  if (units.size > MAX_NODES) return `The graph has ${units.size} units: too many to draw.`;
  const nodes = [...units.values()].map(({ plan, state }) => ({
    id: plan.id,
    dependsOn: plan.dependsOn,
    lines: [plan.id, state],
    style: state,
  }));
  return fenced(renderFlowchart(nodes, STYLES).trimEnd(), 'mermaid');
}

/** What a person should know, or do, about units that did not come to their end. */
function failuresOf({ units }: RunState): string {
  const failed = [...units.values()].filter(({ state }) => state === 'failed');
  // Those that wait for a person come first: nobody else will see to them.
  failed.sort((a, b) => Number(b.failure === 'needs-human') - Number(a.failure === 'needs-human'));
  const { rows, missing } = rowsWithin(failed, FAILURE_TEXTS, ({ plan, failure, message, hint }) => {
    const who = failure === 'needs-human' ? ' **needs human**' : '';
    return [
      `- ${code(plan.id)}${who}: ${inline(message ?? 'it failed', 500)}${hint === null ? '' : ` — ${inline(hint, 300)}`}`,
    ];
  });
  return [...rows.flat(), ...(missing > 0 ? [`- … and ${missing} more.`] : [])].join('\n');
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
function commandsOf({ status, units }: RunState): string {
  const failed = [...units.values()].filter(({ state }) => state === 'failed').map(({ plan }) => plan.id);
  const commands = offeredCommands({
    isOver: status !== 'running' && status !== 'interrupted',
    isComplete: status === 'complete',
    failed,
  });
  return `Commands that make sense now: ${commands.map((command) => code(command)).join(' · ')}`;
}

/** One short new comment when a run is over. Pure. */
export function renderEndComment({
  state,
  links,
  marker,
}: Pick<RunCommentInput, 'state' | 'links' | 'marker'>): string {
  const units = [...state.units.values()];
  const named = (which: UnitState): string => {
    const ids = units
      .filter((unit) => unit.state === which)
      .map(({ plan }) => {
        const pull = links.get(plan.id)?.pull;
        return pull == null ? code(plan.id) : `${code(plan.id)} (#${pull.number})`;
      });
    return listed(ids, 20);
  };
  const lines = [
    `Run ${code(state.start.run)} ${STATUS[state.status]}.`,
    ...(['complete', 'failed', 'blocked'] as const).flatMap((which) => {
      const ids = named(which);
      return ids === '' ? [] : [`${SIGN[which]}: ${ids}`];
    }),
  ];
  const human = units.some(({ failure }) => failure === 'needs-human');
  return `${lines.join('\n')}${human ? '\n\nA person has to look at what failed; the status comment says why.' : ''}\n\n${marker}`;
}
