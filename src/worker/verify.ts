import { yieldSlot } from './slot.ts';
import { runTaskGate } from './task-gate.ts';
import { fail, type GateServices, type UnitJob } from './unit-job.ts';
import { UnitWorkspace } from './workspace.ts';

/**
 * Runs every gate of a unit in order on its head, in a new worktree without ignored files: a gate that passed only because an
 * agent left something outside the tree fails here. `tree`: the commit whose files are judged for the head. Throws a UnitStop.
 */
export async function verifyUnit(
  job: UnitJob,
  services: GateServices,
  { head, tree = head }: { readonly head: string; readonly tree?: string },
): Promise<void> {
  const { unit } = job;
  const { append } = services;
  const started = performance.now();
  append({ type: 'verify.started', unit: unit.id, head });
  const workspace = await UnitWorkspace.open(job, services, tree, { suffix: '.verify', mayKeep: false });
  try {
    for (const task of unit.tasks) {
      yieldSlot(job, services, false);
      const { kind, ending, reason } = await runTaskGate(job, services, workspace, {
        task,
        phase: 'verify',
        attempt: 0,
      });
      if (kind === 'green') continue;
      const message = `in a new worktree the gate of task ${task.number} is red: ${ending}`;
      append({ type: 'verify.fail', unit: unit.id, head, message });
      throw fail('verify', message, reason?.text);
    }
  } finally {
    await workspace.close(false);
  }
  append({ type: 'verify.ok', unit: unit.id, head, durationMs: performance.now() - started });
}
