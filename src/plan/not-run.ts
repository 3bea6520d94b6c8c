import { FORMATS } from '../discovery/formats/formats.ts';
import type { Unit } from '../discovery/unit.ts';
import { FILE_START, type Problem } from '../problems/problem.ts';

/** Boxes in files of other tools cannot be ticked yet, so no run may begin with them. One problem a file. */
export function findNotRun(wanted: readonly Unit[]): readonly Problem[] {
  const problems = new Map<string, Problem>();
  for (const { source, plan } of wanted) {
    if (source === undefined) continue;
    problems.set(plan.path, {
      severity: 'error',
      code: 'format-not-run',
      message: `units of ${FORMATS[source].title} are planned, and not run yet`,
      file: plan.path,
      ...FILE_START,
      hint: 'name units of `specs_dir` with `--unit`',
    });
  }
  return [...problems.values()];
}
