import { compareText, FILE_START, type Problem, reportInto } from '../problems/problem.ts';
import { suggestion } from '../text/nearest.ts';
import { describeCycle, findCycles } from './cycles.ts';
import { itemPositions } from './fields.ts';
import { PLAN_FILE } from './parse.ts';
import type { UnitReading } from './unit-reading.ts';

/** Hints for unknown ids, each of which costs a pass over all ids. */
const MAX_HINTS = 50;

/** Problems between units, and the units that are broken by them. */
export interface TreeFindings {
  readonly problems: readonly Problem[];
  readonly broken: ReadonlySet<string>;
}

/** Checks the rules between units: ids distinct ignoring case, dependencies known and without cycles. */
export function checkTree(readings: readonly UnitReading[], notUnits: ReadonlySet<string>): TreeFindings {
  const problems: Problem[] = [];
  const broken = new Set<string>();
  checkCase(readings, problems, broken);
  checkKnown(readings, notUnits, problems, broken);
  checkCycles(readings, problems, broken);
  return { problems, broken };
}

function checkCase(readings: readonly UnitReading[], problems: Problem[], broken: Set<string>): void {
  const first = new Map<string, UnitReading>();
  for (const reading of readings) {
    const folded = reading.id.toLowerCase();
    const other = first.get(folded);
    if (other === undefined) {
      first.set(folded, reading);
      continue;
    }
    broken.add(reading.id).add(other.id);
    reportInto(problems, reading.directory)(
      'error',
      'unit-case',
      FILE_START,
      `\`${reading.id}\` and \`${other.id}\` differ only in case`,
      {
        got: reading.id,
        hint: 'rename one of them: many file systems cannot hold both',
      },
    );
  }
}

function checkKnown(
  readings: readonly UnitReading[],
  notUnits: ReadonlySet<string>,
  problems: Problem[],
  broken: Set<string>,
): void {
  const ids = new Set(readings.map((reading) => reading.id));
  const sorted = [...ids].sort(compareText);
  let hints = 0;
  const hintFor = (dependency: string, own: string): string | undefined => {
    if (notUnits.has(dependency)) {
      return `the directory \`${dependency}\` exists but is not a unit: it needs ${PLAN_FILE} and a task file`;
    }
    hints += 1;
    return hints <= MAX_HINTS
      ? suggestion(
          dependency,
          sorted.filter((id) => id !== own),
        )
      : undefined;
  };
  for (const reading of readings) {
    const unknown = (reading.plan?.dependsOn ?? []).filter((dependency) => !ids.has(dependency));
    if (reading.plan === undefined || unknown.length === 0) continue;
    broken.add(reading.id);
    const report = reportInto(problems, planPath(reading));
    const positionOf = itemPositions(reading.plan.file.frontMatter, 'depends_on');
    for (const got of unknown) {
      report('error', 'unit-dependency-unknown', positionOf(got), 'there is no unit of this name', () => ({
        field: 'depends_on',
        got,
        hint: hintFor(got, reading.id),
      }));
    }
  }
}

function checkCycles(readings: readonly UnitReading[], problems: Problem[], broken: Set<string>): void {
  const index = new Map(readings.map((reading, at) => [reading.id, at]));
  const edges = readings.map(({ plan }) =>
    (plan?.dependsOn ?? []).map((id) => index.get(id)).filter((at) => at !== undefined),
  );
  for (const cycle of findCycles(edges)) {
    for (const member of cycle.members) broken.add(readings[member]?.id ?? '');
    const [first, next] = cycle.path.map((at) => readings[at]);
    if (first === undefined) continue;
    const path = describeCycle(cycle.path.map((at) => readings[at]?.id ?? ''));
    const waitsFor = (next ?? first).id;
    const positionOf =
      first.plan === undefined ? () => FILE_START : itemPositions(first.plan.file.frontMatter, 'depends_on');
    reportInto(problems, planPath(first))(
      'error',
      'unit-cycle',
      positionOf(waitsFor),
      `units wait for each other: ${path}`,
      {
        field: 'depends_on',
        got: waitsFor,
        hint: 'remove one of these dependencies',
      },
    );
  }
}

function planPath(reading: UnitReading): string {
  return reading.plan?.file.path ?? `${reading.directory}/${PLAN_FILE}`;
}
