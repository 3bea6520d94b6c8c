import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Commands } from './commands.ts';
import { fail, type GateServices, type UnitJob, UnitStop } from './unit-job.ts';

/** Runs the commands of `worktree.setup` or `worktree.teardown` whose condition holds. Returns whether there was one. */
export async function runSetUp(
  { unit, config }: UnitJob,
  { onActivity, append }: Pick<GateServices, 'onActivity' | 'append'>,
  commands: Commands,
  phase: 'setup' | 'teardown',
): Promise<boolean> {
  let ran = false;
  for (const { command, if: condition } of config.worktree[phase]) {
    if (condition !== undefined && !(await exists(join(commands.cwd, condition)))) continue;
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

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
