import type { GateServices, UnitJob } from './unit-job.ts';
import type { UnitWorkspace } from './workspace.ts';
import type { Verdict } from './gate/gate.ts';

/** What was judged: the gate of a task, or a baseline check. */
export type Judged = { readonly task: number } | { readonly check: string };

/**
 * Judges what passed on the same files before. Where it is red, it is judged again, `gate_retries` times at most: the last verdict
 * counts, and that both were given is recorded.
 */
export async function judgeAgain(
  { unit, config }: Pick<UnitJob, 'unit' | 'config'>,
  services: Pick<GateServices, 'append' | 'log'>,
  judged: Judged,
  workspace: UnitWorkspace,
  run: () => Promise<Verdict>,
): Promise<Verdict> {
  let verdict = await run();
  for (let left = config.gate_retries; verdict.kind === 'red' && left > 0; left -= 1) {
    const again = await run();
    if (again.kind === 'green')
      recordFlaky({ unit: unit.id, judged, red: verdict, green: again }, services, workspace);
    if (again.kind !== 'red' || left === 1) verdict = again;
  }
  return verdict;
}

/** Records that something was red and green on the same files, with what it printed each time. */
export function recordFlaky(
  {
    unit,
    judged,
    red,
    green,
  }: {
    readonly unit: string;
    readonly judged: Judged;
    readonly red: Verdict;
    readonly green: Verdict;
  },
  { append, log }: Pick<GateServices, 'append' | 'log'>,
  workspace: Pick<UnitWorkspace, 'commands'>,
): void {
  const endOf = ({ exitCode, ending, durationMs, tail, output = '', reason, tests }: Verdict) => ({
    exitCode,
    ending,
    durationMs,
    tail: workspace.commands.forPeople(tail === '' ? output : tail),
    ...(reason === undefined ? {} : { reason }),
    ...(tests === undefined ? {} : { tests }),
  });
  const what = { task: null, check: null, ...judged };
  append({ type: 'gate.flaky', unit, ...what, red: endOf(red), green: endOf(green) });
  log.say('it was red and green on the same files');
}
