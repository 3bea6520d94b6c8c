import {
  type JudgeChange,
  type JudgedHead,
  type TrialResult,
  trialResult,
} from '../../events/judge-change.ts';

const RESULTS: Readonly<Record<TrialResult, string>> = {
  same: 'it passes with the judge as it was',
  allowed: 'it passes only with the changed judge, which its tasks may change',
  new: 'it passes only with new files of the judge, which no task names',
  changed: 'it passes only with the changed judge, which no task may change',
};

/** What a unit's work changed of what judges it, in one line with the first `most` files; undefined: nothing. */
export function describeJudge(
  { changes, more, trial }: Pick<JudgedHead, 'changes' | 'more' | 'trial'>,
  show: (change: JudgeChange) => string,
  most: number,
): string | undefined {
  if (changes.length === 0) return undefined;
  const shown = changes.slice(0, most).map((change) => show(change));
  const left = changes.length - shown.length + more;
  const result = trial === undefined ? '' : `; ${RESULTS[trialResult(trial)]}`;
  return `the judge was changed: ${shown.join(', ')}${left > 0 ? ` and ${left} more` : ''}${result}`;
}
