import { exists } from '../../system/files.ts';
import { join, relative } from 'node:path';
import type { Commands } from '../commands.ts';
import type { SetUpSecrets } from './set-up-secrets.ts';
import { fail, type GateServices, type UnitJob, UnitStop } from '../unit-job.ts';

/**
 * The time of a set-up command without a way out: it may have all it needs, but tools try for many minutes what cannot succeed.
 * Milliseconds.
 */
const NO_WAY_OUT_MS = 60_000;

/** How long such a command may show that it needs no network before people are told. Milliseconds. */
const DOUBT_MS = 5_000;

/** Runs the commands of `worktree.setup` or `worktree.teardown` whose condition holds. Returns whether there was one. */
export async function runSetUp(
  { unit, config }: UnitJob,
  {
    onActivity,
    append,
    sandbox,
    signal,
    log,
  }: Pick<GateServices, 'onActivity' | 'append' | 'sandbox' | 'signal' | 'log'>,
  commands: Commands,
  { phase, secrets }: { readonly phase: 'setup' | 'teardown'; readonly secrets: SetUpSecrets },
): Promise<boolean> {
  let ran = false;
  for (const { command, if: condition } of config.worktree[phase]) {
    if (condition !== undefined && !(await isThere(commands, condition))) continue;
    ran = true;
    onActivity(`$ ${command}`);
    const { workplace, cwd } = commands;
    const noWayOut =
      phase === 'setup' ? await sandbox.findNoWayOut(workplace, { command, cwd, signal }) : undefined;
    using _ = sayLater(noWayOut, () =>
      append({ type: 'unit.notice', unit: unit.id, code: 'no-way-out', message: noWayOut ?? '' }),
    );
    if (noWayOut !== undefined) {
      log.say(noWayOut);
      onActivity(noWayOut);
    }
    const timeoutMs =
      noWayOut === undefined
        ? config.limits.gate_timeout
        : Math.min(NO_WAY_OUT_MS, config.limits.gate_timeout);
    const verdict = await commands.run(command, 'setup', phase, {
      timeoutMs,
      ...(secrets.kind === 'given' ? { secrets: secrets.variables } : {}),
    });
    const { kind, exitCode, ending, durationMs, reason } = verdict;
    if (kind === 'cancelled') throw new UnitStop({ kind: 'released', reason: 'interrupted', until: null });
    const tail = commands.forPeople(verdict.tail);
    append({ type: 'worktree.setup', unit: unit.id, command, exitCode, ending, tail, durationMs });
    if (kind === 'green') continue;
    const message = `the ${phase} command \`${command}\` failed: ${ending}`;
    if (secrets.kind === 'withheld') throw fail('needs-human', message, secrets.reason);
    throw fail('environment', message, noWayOut ?? reason?.text);
  }
  return ran;
}

function sayLater(reason: string | undefined, say: () => void): Disposable {
  const timer = reason === undefined ? undefined : setTimeout(say, DOUBT_MS);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

/** Whether a command finds a path from the project's directory: in the worktree, or in what shows through below it. */
async function isThere({ cwd, workplace }: Commands, path: string): Promise<boolean> {
  const { worktree, below } = workplace;
  if (await exists(join(cwd, path))) return true;
  return below !== undefined && exists(join(below.project, relative(worktree, cwd), path));
}
