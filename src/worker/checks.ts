import { setImmediate as afterOthers } from 'node:timers/promises';
import { readGlob } from '../config/glob.ts';
import type { Config } from '../config/schema.ts';
import type { Verdict } from './gate/gate.ts';
import { fail, type GateServices, type UnitJob } from './unit-job.ts';
import type { UnitWorkspace } from './workspace.ts';

export type Check = Config['baseline_checks'][number];

/** Length of the paths that are matched before other work of this thread runs. UTF-16 code units; about ten milliseconds. */
const PATHS_AT_ONCE = 200_000;

/** The baseline checks whose pattern matches a file that a tree changes of the unit's base. */
export async function findChecks(
  { config }: Pick<UnitJob, 'config'>,
  workspace: UnitWorkspace,
  tree: string,
): Promise<readonly Check[]> {
  if (config.baseline_checks.length === 0) return [];
  const changed = await workspace.changedSinceBase(tree);
  const found: Check[] = [];
  for (const check of config.baseline_checks) {
    const { pattern } = check;
    if (pattern === undefined || (await fitsAny(pattern, changed))) found.push(check);
  }
  return found;
}

/**
 * Runs a baseline check and appends its verdict. `attempt`: of the repair before it; 0: there was none. Throws a UnitStop when it
 * cannot run here.
 */
export async function runCheck(
  { unit }: Pick<UnitJob, 'unit'>,
  { append, onActivity }: Pick<GateServices, 'append' | 'onActivity'>,
  workspace: UnitWorkspace,
  { check, attempt, phase }: { readonly check: Check; readonly attempt: number; readonly phase?: 'verify' },
): Promise<Verdict> {
  const { name, command } = check;
  onActivity(`$ ${command}`);
  const verdict = await workspace.judge(command, 'baseline', { isApart: phase === 'verify' });
  const { kind, output: _output, openings: _openings, ...rest } = verdict;
  const end = { ...rest, tail: workspace.commands.forPeople(rest.tail) };
  append({
    type: kind === 'green' ? 'baseline.ok' : 'baseline.fail',
    unit: unit.id,
    name,
    attempt,
    ...(phase === undefined ? {} : { phase }),
    ...end,
  });
  if (kind === 'fault')
    throw fail('environment', `the check \`${name}\` cannot run here: ${end.ending}`, end.reason?.text);
  return verdict;
}

/** Whether one of the paths matches. Yields to other work of this thread in between: there may be very many paths. */
async function fitsAny(pattern: string, paths: readonly string[]): Promise<boolean> {
  const glob = readGlob(pattern);
  if ('fault' in glob) return true; // no configuration says so
  let left = PATHS_AT_ONCE;
  for (const path of paths) {
    if (glob.matches(path)) return true;
    left -= path.length;
    if (left > 0) continue;
    left = PATHS_AT_ONCE;
    await afterOthers();
  }
  return false;
}
