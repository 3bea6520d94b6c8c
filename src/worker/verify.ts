import type { Openings } from '../sandbox/sandbox.ts';
import { findChecks, runCheck } from './checks.ts';
import { joinOpenings } from './judge/watched-files.ts';
import { judgeAgain } from './second-look.ts';
import { yieldSlot } from './slot.ts';
import { runTaskGate } from './task-gate.ts';
import { fail, type GateServices, type UnitJob } from './unit-job.ts';
import { UnitWorkspace } from './workspace.ts';

/**
 * Runs every gate of a unit, and every baseline check that its work calls for, in order on its head: each on its own clean copy of a
 * new worktree. What passed only because an agent, a gate or a check left something outside the tree fails here. What is red has a
 * second look. `tree`: the commit whose files are judged for the head; `checks`: whether the baseline checks run, too. Returns
 * which of the `watched` files its gates opened. Throws a UnitStop.
 */
export async function verifyUnit(
  job: UnitJob,
  services: GateServices,
  {
    head,
    tree = head,
    checks = true,
    watched,
  }: {
    readonly head: string;
    readonly tree?: string;
    readonly checks?: boolean;
    readonly watched?: readonly string[];
  },
): Promise<Openings | undefined> {
  const { unit } = job;
  const { append } = services;
  const started = performance.now();
  const opened: Openings[] = [];
  append({ type: 'verify.started', unit: unit.id, head });
  const workspace = await UnitWorkspace.open(job, services, tree, { suffix: '.verify', mayKeep: false });
  try {
    for (const task of unit.tasks) {
      yieldSlot(job, services, false);
      const { kind, ending, reason, openings } = await judgeAgain(
        job,
        services,
        { task: task.number },
        workspace,
        async () => runTaskGate(job, services, workspace, { task, phase: 'verify', attempt: 0, watched }),
      );
      if (openings !== undefined) opened.push(openings);
      if (kind === 'green') continue;
      const message = `in a new worktree the gate of task ${task.number} is red: ${ending}`;
      append({ type: 'verify.fail', unit: unit.id, head, message });
      throw fail('verify', message, reason?.text);
    }
    for (const check of checks ? await findChecks(job, workspace, workspace.branch.tree) : []) {
      yieldSlot(job, services, false);
      const { kind, ending, reason } = await judgeAgain(
        job,
        services,
        { check: check.name },
        workspace,
        async () => runCheck(job, services, workspace, { check, attempt: 0, phase: 'verify' }),
      );
      if (kind === 'green') continue;
      const message = `in a new worktree the check \`${check.name}\` is red: ${ending}`;
      append({ type: 'verify.fail', unit: unit.id, head, message });
      throw fail('verify', message, reason?.text);
    }
  } finally {
    await workspace.close(false);
  }
  append({ type: 'verify.ok', unit: unit.id, head, durationMs: performance.now() - started });
  return joinOpenings(opened);
}
