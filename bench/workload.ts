import { execa } from 'execa';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Graph } from '../src/scheduler/graph.ts';
import { unitId } from './spec-trees.ts';

/** Units of equal tasks, each an agent that sleeps and writes a file, and a gate that looks for it. */
export interface Workload {
  readonly units: number;
  readonly tasks: number;
  readonly sleepMs: number;
  readonly parallelism: number;
  /** Indexes of the units each one waits for. */
  readonly dependsOn: (index: number) => readonly number[];
  /** Shell lines that every agent runs first. */
  readonly agent?: string;
}

export const alone = (): readonly number[] => [];
export const chain = (index: number): readonly number[] => (index === 0 ? [] : [index - 1]);
/** Layers of six; each unit waits for two of the layer before. */
export const layered = (index: number): readonly number[] => {
  const before = Math.floor(index / 6) * 6 - 6;
  return before < 0 ? [] : [before + (index % 6), before + ((index + 1) % 6)];
};

/** The longer of the critical path and the work divided by the workers. Milliseconds. */
export function boundOf({ units, tasks, sleepMs, parallelism, dependsOn }: Workload): number {
  const graph = new Graph(
    Array.from({ length: units }, (_, index) => ({
      id: unitId(index),
      dependsOn: dependsOn(index).map(unitId),
      weight: tasks * sleepMs,
    })),
  );
  return Math.max(graph.criticalPath().weight, (units * tasks * sleepMs) / parallelism);
}

/** Makes a repository with the specs of a workload. */
export async function writeProject(directory: string, workload: Workload): Promise<void> {
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    join(directory, '.choo.yml'),
    `provider: { type: rehearsal }\nparallelism: ${workload.parallelism}\nverify: false\n`,
  );
  for (let index = 0; index < workload.units; index += 1) writeUnit(directory, workload, index);
  await execa('git', ['init', '--quiet', '--initial-branch=main'], { cwd: directory });
  await commitAll(directory);
}

function writeUnit(
  directory: string,
  { tasks, sleepMs, dependsOn, agent = '' }: Workload,
  index: number,
): void {
  const id = unitId(index);
  const unit = join(directory, 'specs/tasks', id);
  mkdirSync(unit, { recursive: true });
  writeFileSync(
    join(unit, 'IMPLEMENTATION_PLAN.md'),
    `---\ndepends_on: [${dependsOn(index).map(unitId).join(', ')}]\n---\n\n# ${id}\n`,
  );
  for (let number = 1; number <= tasks; number += 1) {
    const file = `${id}-${number}.txt`;
    const sleep = sleepMs === 0 ? '' : `sleep ${sleepMs / 1_000}\n`;
    const front = `task: ${number}\nstatus: pending\nbackpressure: "[ -e ${file} ]"\ndepends_on: [${number === 1 ? '' : number - 1}]\n`;
    const body = `# Task ${number}\n\n\`\`\`sh rehearsal\n${agent}${sleep}echo ${number} > ${file}\n\`\`\`\n`;
    writeFileSync(taskFile(unit, number), `---\n${front}---\n\n${body}`);
  }
}

/** The file of a unit's task. */
export function taskFile(unit: string, number: number): string {
  return join(unit, `${String(number).padStart(2, '0')}-task.md`);
}

export async function commitAll(cwd: string): Promise<void> {
  await execa('git', ['add', '--all'], { cwd });
  await execa('git', [...IDENTITY, 'commit', '--quiet', '--message=specs'], { cwd });
}

/** Options of a git that commits without the settings of whoever measures. */
export const IDENTITY: readonly string[] = [
  '-c',
  'user.name=bench',
  '-c',
  'user.email=bench@localhost',
  '-c',
  'gc.auto=0',
];
