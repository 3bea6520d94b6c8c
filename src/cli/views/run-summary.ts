import type { RunState } from '../../events/state.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import { describeCost, formatDuration, formatTokens } from '../../text/amounts.ts';
import { columnWidth, count, type Medium, pad, printable, wrapList } from '../../text/terminal-layout.ts';
import { describeJudge } from './describe-judge.ts';
import { totalsOf } from './run-totals.ts';

/** What a reader can type next. */
export interface SummaryMedium extends Medium {
  /** How choo was called. */
  readonly programName: string;
}

/** What became of a run, and what to do now. Ends with a line feed. */
export function renderSummary(state: RunState, medium: SummaryMedium): string {
  const sections = [
    headline(state, medium),
    completeSection(state, medium),
    failedSection(state, medium),
    blockedSection(state, medium),
    listSection('Cancelled', unitsIn(state, 'cancelled'), medium),
    listSection('Skipped', unitsIn(state, 'skipped'), medium),
    unfinishedSection(state, medium),
    unmergedSection(state, medium),
    noticeSection(state, medium),
    nextSteps(state, medium),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function headline(state: RunState, { paint, width }: Medium): string {
  const { complete, spending } = totalsOf(state);
  const title = `${complete} of ${count(state.units.size, 'unit')} complete`;
  const [style, words] = HEADLINES[state.status];
  const facts = [
    `run ${state.start.run}`,
    formatDuration(state.lastAt - state.startedAt),
    ...(spending.tokens === 0 ? [] : [`${formatTokens(spending.tokens)} tokens`, describeCost(spending)]),
  ];
  return `${paint(style, words)}${paint('bold', title)}\n${paint('dim', wrapList(facts, 0, 0, width))}`;
}

const HEADLINES = {
  running: ['yellow', 'Not finished: '],
  interrupted: ['yellow', 'Interrupted: '],
  complete: ['green', ''],
  failed: ['red', 'Incomplete: '],
  cancelled: ['yellow', 'Cancelled: '],
} as const;

function unitsIn(state: RunState, ...wanted: readonly UnitProgress['state'][]): UnitProgress[] {
  return [...state.units.values()].filter((unit) => wanted.includes(unit.state));
}

function completeSection(state: RunState, { paint }: Medium): string {
  const units = unitsIn(state, 'complete');
  if (units.length === 0) return '';
  const width = columnWidth(units.map(nameOf), 40);
  const lines = units.map((unit) => {
    const mark = unit.verified ? paint('green', '✓') : paint('yellow', '?');
    const branch = unit.branch === null ? '' : printable(unit.branch);
    return `  ${mark} ${paint('bold', pad(nameOf(unit), width))}  ${[...factsOf(unit), branch].filter((fact) => fact !== '').join(', ')}`;
  });
  return [paint('bold', 'Complete'), ...lines].join('\n');
}

function factsOf(unit: UnitProgress): string[] {
  if (unit.startedAt === null)
    return [unit.verified ? 'verified by an earlier run' : 'complete in the specs, unverified'];
  const green = [...unit.tasks.values()].filter((task) => task.alreadyGreen).length;
  const { tokens } = unit.spending;
  return [
    count(unit.plan.tasks.length, 'task'),
    ...(green === 0 ? [] : [`${green} already green`]),
    ...(unit.verified ? [] : ['unverified']),
    ...(unit.endedAt === null ? [] : [formatDuration(unit.endedAt - unit.startedAt)]),
    ...(tokens === 0 ? [] : [`${formatTokens(tokens)} tokens`, describeCost(unit.spending)]),
  ];
}

function failedSection(state: RunState, { paint, width }: Medium): string {
  const units = unitsIn(state, 'failed');
  if (units.length === 0) return '';
  const lines = units.flatMap((unit) => {
    const blocked = unitsIn(state, 'blocked').filter(({ cause }) => cause === unit.plan.id);
    const { tokens } = unit.spending;
    return [
      `  ${paint('red', '✗')} ${paint('bold', nameOf(unit))}  ${printable(unit.message ?? '')}`,
      ...(unit.hint === null ? [] : [`    ${paint('dim', `hint: ${printable(unit.hint)}`)}`]),
      ...(tokens === 0
        ? []
        : [`    ${paint('dim', `used ${formatTokens(tokens)} tokens, ${describeCost(unit.spending)}`)}`]),
      ...(unit.head === null || unit.branch === null
        ? []
        : [`    ${paint('dim', `its commits are on ${printable(unit.branch)}`)}`]),
      ...(blocked.length === 0 ? [] : [`    blocks ${wrapList(blocked.map(nameOf), 11, 11, width)}`]),
    ];
  });
  return [paint('bold', 'Failed'), ...lines].join('\n');
}

function blockedSection(state: RunState, { paint }: Medium): string {
  const units = unitsIn(state, 'blocked');
  if (units.length === 0) return '';
  const width = columnWidth(units.map(nameOf), 40);
  const lines = units.map(
    (unit) =>
      `  ${paint('yellow', '-')} ${paint('bold', pad(nameOf(unit), width))}  by ${printable(unit.cause ?? '')}`,
  );
  return [paint('bold', 'Blocked'), ...lines].join('\n');
}

/** What goes on, or will when the run does. */
function unfinishedSection(state: RunState, medium: Medium): string {
  const title = state.status === 'running' ? 'In progress' : 'Not finished';
  return listSection(title, unitsIn(state, 'running', 'pending'), medium);
}

function listSection(title: string, units: readonly UnitProgress[], { paint, width }: Medium): string {
  return units.length === 0 ? '' : `${paint('bold', title)}\n  ${wrapList(units.map(nameOf), 2, 2, width)}`;
}

function unmergedSection({ unmerged }: RunState, { paint, width }: Medium): string {
  if (unmerged.length === 0) return '';
  const lines = unmerged.map(({ unit, files }) => {
    const title = `  ${paint('bold', printable(unit))}  conflicts in `;
    return `${title}${wrapList(files.map(printable), printable(unit).length + 17, 4, width)}`;
  });
  return [paint('bold', 'Complete, but not merged'), ...lines].join('\n');
}

function noticeSection(state: RunState, { paint }: Medium): string {
  const lines = [...state.units.values()].flatMap((unit) =>
    [...unit.notices.map(({ message }) => message), ...judgeNotes(unit)].map(
      (message) => `  ${paint('bold', nameOf(unit))}  ${printable(message)}`,
    ),
  );
  return lines.length === 0 ? '' : [paint('bold', 'Notices'), ...lines].join('\n');
}

/** What a unit's work changed of what judges it, if anything. */
function judgeNotes({ judge }: UnitProgress): readonly string[] {
  const text =
    judge === null ? undefined : describeJudge(judge, ({ path, level }) => `${path} (${level})`, 10);
  return text === undefined ? [] : [text];
}

function nextSteps(state: RunState, { paint, programName }: SummaryMedium): string {
  const steps: string[] = [];
  if (state.head !== null && state.branch !== null)
    steps.push(`${paint('bold', 'To merge the result')}\n  git merge ${shellWord(state.branch)}`);
  for (const { unit } of state.unmerged) {
    const branch = state.units.get(unit)?.branch;
    if (branch !== undefined && branch !== null)
      steps.push(`  git merge ${shellWord(branch)}   # and resolve the conflicts`);
  }
  const again = RESUME_HINT[state.status];
  const { run, remote } = state.start;
  if (again !== undefined)
    steps.push(`${paint('bold', again)}\n  ${programName} ${remote === null ? 'run' : `retry ${run}`}`);
  const [failed] = unitsIn(state, 'failed');
  if (failed !== undefined)
    steps.push(
      `${paint('bold', 'To read the log')}\n  ${programName} logs ${nameOf(failed)}${remote === null ? '' : ` --run ${run}`}`,
    );
  return steps.join('\n');
}

const RESUME_HINT: Readonly<Partial<Record<RunState['status'], string>>> = {
  interrupted: 'To resume it',
  running: 'To resume it',
  failed: 'To retry what failed; complete units are kept',
  cancelled: 'To run the rest; complete units are kept',
};

/** A word that a shell takes as it is: the name of a target branch may hold anything. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9._/-]+$/.test(text) ? text : `'${printable(text).replaceAll("'", String.raw`'\''`)}'`;
}

function nameOf({ plan }: UnitProgress): string {
  return printable(plan.id);
}
