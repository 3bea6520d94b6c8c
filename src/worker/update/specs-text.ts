import type { Unit } from '../../discovery/unit.ts';
import { bodyOf, oneLine } from '../../provider/prompt.ts';

/** The specs of a unit and its gates, as every prompt on its whole work has them. Pure. */
export function specsText({ plan, tasks }: Pick<Unit, 'plan' | 'tasks'>): string {
  return [
    `## The plan of the unit\n\n${bodyOf(plan)}`,
    ...tasks.map(
      ({ number, title, gate, file }) =>
        `## Task ${number}: ${oneLine(title)}\n\nGate: \`${oneLine(gate)}\`\n\n${bodyOf(file)}`,
    ),
  ].join('\n\n');
}
