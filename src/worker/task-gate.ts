import type { Task } from '../discovery/unit.ts';
import type { GatePhase } from '../events/event.ts';
import type { Verdict } from './gate/gate.ts';
import type { UnitJob, WorkerServices } from './unit-job.ts';
import type { UnitWorkspace } from './workspace.ts';

/** Runs a task's gate, in verify on a clean copy, and appends its verdict. `attempt` 0: before the first agent. */
export async function runTaskGate(
  { unit }: Pick<UnitJob, 'unit'>,
  { append, onActivity }: Pick<WorkerServices, 'append' | 'onActivity'>,
  workspace: UnitWorkspace,
  {
    task,
    phase,
    attempt,
    watched,
  }: {
    readonly task: Task;
    readonly phase: GatePhase;
    readonly attempt: number;
    readonly watched?: readonly string[] | undefined;
  },
): Promise<Verdict> {
  const facts = { unit: unit.id, task: task.number, phase, attempt };
  append({ type: 'task.backpressure', ...facts });
  onActivity(`$ ${task.gate}`);
  const isApart = phase === 'verify';
  const verdict = await workspace.judge(task.gate, String(task.number), { isApart, watched });
  const { kind, output: _output, openings: _openings, ...rest } = verdict;
  const end = { ...rest, tail: workspace.commands.forPeople(rest.tail) };
  append({ type: kind === 'green' ? 'task.validation.ok' : 'task.validation.fail', ...facts, ...end });
  return verdict;
}
