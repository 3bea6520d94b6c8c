import { findReason } from './gate/gate-reason.ts';
import { yieldSlot } from './slot.ts';
import { runTaskGate } from './task-gate.ts';
import { fail, type UnitJob, type WorkerServices } from './unit-job.ts';
import { Workbench } from './workbench.ts';

/**
 * Runs every gate of a unit in order on its head, in a new worktree: no file that git ignores is carried over, so what
 * passed only because an agent had left something beside the tree fails here. Throws a UnitStop.
 */
export async function verifyUnit(job: UnitJob, services: WorkerServices, head: string): Promise<void> {
  const { unit } = job;
  const { note } = services;
  const started = performance.now();
  note({ type: 'verify.started', unit: unit.id, head });
  const bench = await Workbench.open(job, services, head, '.verify');
  try {
    for (const task of unit.tasks) {
      yieldSlot(job, services, false);
      const { kind, ending, tail } = await runTaskGate(job, services, bench, {
        task,
        phase: 'verify',
        attempt: 0,
      });
      if (kind === 'green') continue;
      const message = `in a new worktree the gate of task ${task.number} is red: ${ending}`;
      note({ type: 'verify.fail', unit: unit.id, head, message });
      throw fail('verify', message, findReason(tail));
    }
  } finally {
    await bench.close(false);
  }
  note({ type: 'verify.ok', unit: unit.id, head, durationMs: performance.now() - started });
}
