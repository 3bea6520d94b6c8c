import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A spec tree for measuring: the same arguments, the same bytes. */
export interface SpecTreeShape {
  readonly units: number;
  readonly tasks: number;
  /** `chain`: each unit waits for the one before; `random`: for up to three of those before. */
  readonly shape: 'chain' | 'random';
}

/** The ids each unit depends on, by index; edges always point to an earlier unit. */
export function dependenciesOf(index: number, { shape }: SpecTreeShape, random: () => number): number[] {
  if (index === 0) return [];
  if (shape === 'chain') return [index - 1];
  const count = Math.floor(random() * 4);
  return [...new Set(Array.from({ length: count }, () => Math.floor(random() * index)))].sort(
    (a, b) => a - b,
  );
}

/** The id of a unit. */
export function unitId(index: number): string {
  return `unit-${String(index).padStart(4, '0')}`;
}

/** Numbers from 0 to 1 that look random and are the same every time (Lehmer's generator). */
export function sameRandom(): () => number {
  let state = 20_261_122;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** Writes the tree below `directory`/specs/tasks and returns how many bytes that are. */
export function writeSpecTree(directory: string, shape: SpecTreeShape): number {
  const random = sameRandom();
  let bytes = 0;
  const write = (path: string, text: string): void => {
    writeFileSync(path, text);
    bytes += Buffer.byteLength(text);
  };
  for (let index = 0; index < shape.units; index += 1) {
    const id = unitId(index);
    const unit = join(directory, 'specs/tasks', id);
    mkdirSync(unit, { recursive: true });
    const dependsOn = dependenciesOf(index, shape, random).map((each) => `  - ${unitId(each)}\n`);
    const list = dependsOn.length === 0 ? ' []\n' : `\n${dependsOn.join('')}`;
    write(
      join(unit, 'IMPLEMENTATION_PLAN.md'),
      `---\nunit: ${id}\ndepends_on:${list}---\n\n# The unit ${id}\n\nMade for measuring.\n`,
    );
    for (let number = 1; number <= shape.tasks; number += 1) {
      const after = number === 1 ? '' : String(number - 1);
      const front = `task: ${number}\nstatus: pending\nbackpressure: "make test UNIT=${id} TASK=${number}"\ndepends_on: [${after}]\n`;
      const lines = Array.from(
        { length: 12 },
        (_, line) => `- Requirement ${line + 1}: the value is ${Math.floor(random() * 1e6)}.\n`,
      );
      const body = `# Task ${number} of ${id}\n\n## Objective\n\nMake it work.\n\n## Requirements\n\n${lines.join('')}`;
      write(join(unit, `0${number}-task.md`), `---\n${front}---\n\n${body}`);
    }
  }
  return bytes;
}
