import { lastLine } from './gate.ts';
import { fail, type UnitJob, type WorkerServices } from './unit-job.ts';
import { Workbench } from './workbench.ts';

/**
 * Runs every gate of a unit in order on its head, in a new worktree: no file that git ignores is carried over, so what
 * passed only because an agent had left something beside the tree fails here. Throws a UnitStop.
 */
export async function verifyUnit(job: UnitJob, services: WorkerServices, head: string): Promise<void> {
  const { unit } = job;
  const { note, onActivity } = services;
  const started = performance.now();
  note({ type: 'verify.started', unit: unit.id, head });
  const bench = await Workbench.open(job, services, head, '.verify');
  try {
    for (const { number, gate } of unit.tasks) {
      const facts = { unit: unit.id, task: number, phase: 'verify', attempt: 0 } as const;
      note({ type: 'task.backpressure', ...facts });
      onActivity(`$ ${gate}`);
      const { kind, ...end } = await bench.judge(gate, String(number));
      note({ type: kind === 'green' ? 'task.validation.ok' : 'task.validation.fail', ...facts, ...end });
      if (kind === 'green') continue;
      const message = `in a new worktree the gate of task ${number} is red: ${end.ending}`;
      note({ type: 'verify.fail', unit: unit.id, head, message });
      throw fail('verify', message, lastLine(end.tail));
    }
  } finally {
    await bench.close(false);
  }
  note({ type: 'verify.ok', unit: unit.id, head, durationMs: performance.now() - started });
}
