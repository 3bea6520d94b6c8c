import type { TestCounts } from '../../events/command-end.ts';
import type { RunEvent } from '../../events/event.ts';
import { count } from '../../text/terminal-layout.ts';

/**
 * Names each gate that ran fewer tests on the finished work than before the first attempt at its task, by the numbers that its test
 * runner printed; skipped tests did not run. `events`: those of the unit. Empty: none did, or no runner counted.
 */
export function fewerTests(events: readonly RunEvent[]): string {
  const before = new Map<number, number>();
  const now = new Map<number, number | undefined>();
  for (const event of events) {
    if (event.type !== 'task.validation.ok' && event.type !== 'task.validation.fail') continue;
    const { task, phase, tests } = event;
    if (phase !== 'base') now.set(task, ran(tests));
    else if (!before.has(task) && tests !== undefined) before.set(task, ran(tests) ?? 0);
  }
  const lines = [...before].flatMap(([task, old]) => {
    if (old === 0 || !now.has(task)) return [];
    const present = now.get(task);
    if (present !== undefined && present >= old) return [];
    const words = present === undefined ? 'names no number' : `ran ${present}`;
    return [`The gate of task ${task} ran ${count(old, 'test')} before any work, and ${words} at the end.`];
  });
  return lines.length === 0 ? '' : `**Fewer tests run than before.** ${lines.join(' ')}`;
}

function ran(tests: TestCounts | undefined): number | undefined {
  return tests === undefined ? undefined : tests.passed + tests.failed;
}
