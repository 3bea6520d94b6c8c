import { exists } from '../../system/files.ts';
import { join, relative } from 'node:path';
import type { Commands } from '../commands.ts';
import { fail, type GateServices, type UnitJob, UnitStop } from '../unit-job.ts';

/** Runs the commands of `worktree.setup` or `worktree.teardown` whose condition holds. Returns whether there was one. */
export async function runSetUp(
  { unit, config }: UnitJob,
  { onActivity, append }: Pick<GateServices, 'onActivity' | 'append'>,
  commands: Commands,
  phase: 'setup' | 'teardown',
): Promise<boolean> {
  let ran = false;
  for (const { command, if: condition } of config.worktree[phase]) {
    if (condition !== undefined && !(await isThere(commands, condition))) continue;
    ran = true;
    onActivity(`$ ${command}`);
    const verdict = await commands.run(command, 'setup', phase);
    const { kind, exitCode, ending, durationMs, reason } = verdict;
    if (kind === 'cancelled') throw new UnitStop({ kind: 'released', reason: 'interrupted', until: null });
    const tail = commands.forPeople(verdict.tail);
    append({ type: 'worktree.setup', unit: unit.id, command, exitCode, ending, tail, durationMs });
    if (kind !== 'green')
      throw fail('environment', `the ${phase} command \`${command}\` failed: ${ending}`, reason?.text);
  }
  return ran;
}

/** Whether a command finds a path from the project's directory: in the worktree, or in what shows through below it. */
async function isThere({ cwd, workplace }: Commands, path: string): Promise<boolean> {
  const { worktree, below } = workplace;
  if (await exists(join(cwd, path))) return true;
  return below !== undefined && exists(join(below.project, relative(worktree, cwd), path));
}
