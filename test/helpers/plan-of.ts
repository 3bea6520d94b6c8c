import { makePlan, type PlanInput } from '../../src/plan/plan.ts';
import { readProject } from '../../src/plan/project.ts';
import type { Plan } from '../../src/plan/schema.ts';
import { memoryTree, planText, taskText, type TreeValue } from './memory-tree.ts';

/** The files of one unit: its plan, and one task for each status given. */
export function unitFiles(
  id: string,
  {
    dependsOn = [],
    statuses = ['pending'],
    ...fields
  }: { dependsOn?: string[]; statuses?: string[]; provider?: string } = {},
): Record<string, string> {
  const files: Record<string, string> = {
    [`specs/tasks/${id}/IMPLEMENTATION_PLAN.md`]: planText({
      depends_on: `[${dependsOn.join(', ')}]`,
      ...fields,
    }),
  };
  for (const [index, status] of statuses.entries()) {
    const number = String(index + 1);
    files[`specs/tasks/${id}/0${number}-step.md`] = taskText(
      { task: number, status, backpressure: `make ${id}-${number}` },
      `# Step ${number} of ${id}\n`,
    );
  }
  return files;
}

/** The plan of a tree given as a value. */
export async function planOf(
  files: Readonly<Record<string, TreeValue>>,
  input: Partial<PlanInput> = {},
): Promise<Plan> {
  const project = await readProject(memoryTree(files));
  return makePlan({ ...project, source: { kind: 'directory', name: 'project', commit: null }, ...input });
}
