import {
  type JudgeChange,
  type JudgedHead,
  type TrialResult,
  trialResult,
} from '../../events/judge-change.ts';
import type { RunEvent } from '../../events/event.ts';
import type { UnitProgress } from '../../events/unit-progress.ts';
import { count } from '../../text/terminal-layout.ts';
import { fewerTests } from './fewer-tests.ts';
import { code, listed, rowsWithin, table } from './markdown.ts';
import { words } from './words.ts';

/** The longest table. Characters. */
const TABLE = 10_000;

/**
 * What a unit's work changed of what judges or builds it, for who reviews it, with how the gates ended without that and which run
 * fewer tests; empty: it was not compared. `events`: those of the unit.
 */
export function judgeSection({ judge }: Pick<UnitProgress, 'judge'>, events: readonly RunEvent[]): string {
  if (judge === null) return '';
  const { head, changes, more } = judge;
  const at = `at ${code(head.slice(0, 12))}`;
  const fewer = fewerTests(events);
  if (changes.length === 0)
    return [
      `**The judge was not changed** ${at}: no test that was there, and nothing that says how to build, test or lint.`,
      openedWords(judge),
      fewer,
    ]
      .filter((part) => part !== '')
      .join('\n\n');
  const { rows, missing } = rowsWithin(changes, TABLE, (change) => [
    code(change.path),
    linesOf(change),
    whatOf(change),
  ]);
  const left = missing + more;
  const all = changes.length + more;
  return [
    `### The judge was changed`,
    openedWords(judge),
    trialWords(judge),
    fewer,
    `Compared with its base, the work ${at} changed ${count(all, 'file')} of those that test it or say how to build, test or lint. Look at ${all === 1 ? 'it' : 'them'} first.`,
    table(['File', 'Lines', 'What that means'], rows) + (left > 0 ? `\n\n… and ${left} more.` : ''),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** Which files its gates opened that it changed, whatever the lists say. */
function openedWords({ opened, openedUnknown, changes }: JudgedHead): string {
  if (openedUnknown !== undefined)
    return changes.length === 0
      ? ''
      : `Which of the changed files its gates open could not be recorded: ${words(openedUnknown, 300)}.`;
  if (opened === undefined || opened.length === 0) return '';
  const files = listed(
    opened.map((path) => code(path)),
    20,
  );
  return `**Look at these first:** its gates opened ${files}, which the work changed.`;
}

const RESULTS: Readonly<Record<TrialResult, string>> = {
  same: '**It passes with the judge as it was**: every gate passed once more with these files as at the base.',
  allowed: '**It passes only with the changed judge**, which its tasks may change.',
  new: '**It passes only with new files of the judge**, which no task names. Look at them before anything else.',
  changed:
    '**It passes only with the changed judge**, and no task may change that. Look at these changes before anything else.',
};

/** What the gates said of the work with the judge as it was. */
function trialWords({ trial, changes }: JudgedHead): string {
  if (trial === undefined) return '';
  const result = RESULTS[trialResult(trial)];
  const asNow = changes.some((change) => change.trial === undefined)
    ? ' The other files were as the work has them.'
    : '';
  if (trial.fault !== null) return `${result} With the judge as it was, ${words(trial.fault, 500)}.${asNow}`;
  const red = trial.gates.filter(({ passed }) => !passed);
  const [first] = red;
  if (first === undefined) return result + asNow;
  const which = red.map(({ task }) => `task ${task}`);
  const why = words(first.reason?.text ?? first.ending, 300);
  return `${result} With the judge as it was, the gate of ${listed(which, 20)} is red: ${why}.${asNow}`;
}

function linesOf({ kind, added, removed }: JudgeChange): string {
  const lines = added === null || removed === null ? '' : `+${added} −${removed}`;
  if (kind === 'changed') return lines === '' ? 'changed' : lines;
  return [kind === 'added' ? 'new' : 'deleted', lines].filter((part) => part !== '').join(', ');
}

function whatOf(change: JudgeChange): string {
  const trial = change.trial === undefined ? '' : `; ${IN_TRIAL[change.trial]}`;
  return levelWords(change) + trial;
}

const IN_TRIAL = {
  base: 'tried as it was',
  keys: 'tried with its scripts and settings as they were',
  without: 'tried without it',
} as const;

function levelWords({ level, isAllowed }: JudgeChange): string {
  if (isAllowed) return 'its task may change it';
  if (level === 'ask') return '**a person must agree**: no task may change it';
  return level === 'tell' ? 'told' : 'not made by an agent, which may not change it';
}
