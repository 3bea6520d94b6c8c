import { projectFiles, type UnitSpec } from '../spec-project.ts';

/** Units and what each depends on; every unit comes after its dependencies. */
export type Units = Readonly<Record<string, readonly string[]>>;

export const SHAPES = {
  chain: { a: [], b: ['a'], c: ['b'] },
  diamond: { a: [], b: ['a'], c: ['a'], d: ['b', 'c'] },
  pair: { a: [], b: [], c: ['a', 'b'] },
} as const satisfies Readonly<Record<string, Units>>;

/** The line of a unit's file that a person changes who amends it. */
export const VERSION = (number: number): string => `version ${number}`;
/** The line of a dependency's file that a unit fills. */
export const filled = (unit: string): string => `filled by ${unit}`;
export const titled = (unit: string): string => `this is ${unit}`;

/**
 * The specs of these units, for the rehearsal provider. A unit writes a file of its own and one line of the file of each of
 * its dependencies, so that its pull request shows whether the work below it counts as its own, and whether an older text
 * of it came back. Each start of an agent adds the unit's name to `log`, a path outside of the repository.
 */
export function specsOf(units: Units, log: string): Readonly<Record<string, string>> {
  const specs = Object.entries(units).map(([id, dependsOn]): [string, UnitSpec] => {
    const dependants = Object.keys(units).filter((other) => units[other]?.includes(id));
    const lines = [titled(id), VERSION(1), ...dependants.flatMap((each) => ['', '', '', `slot ${each}`])];
    const sh = [
      `echo ${id} >> ${log}`,
      `printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')} > ${fileOf(id)}`,
      ...dependsOn.map((each) => `sed -i 's/^slot ${id}$/${filled(id)}/' ${fileOf(each)}`),
    ];
    const find = (line: string, flag: string): string => `grep -r${flag}x --include=*.txt "${line}" .`;
    // A gate that named a dependency's file would protect it.
    const gate = `'${find(titled(id), 'q')} && test $(${find(filled(id), 'l')} | wc -l) -eq ${dependsOn.length}'`;
    return [id, { dependsOn, tasks: [{ gate, sh: sh.join('\n') }] }];
  });
  const { '.choo.yml': _, ...files } = projectFiles({ units: Object.fromEntries(specs) });
  return files;
}

export const fileOf = (unit: string): string => `${unit}.txt`;

/** Whether a path belongs to the work of a unit: its file, those of its dependencies, and its specs with their status. */
export function isOwnFile(units: Units, unit: string, path: string): boolean {
  return path.startsWith(`specs/tasks/${unit}/`) || ownTexts(units, unit).includes(path);
}

/** The files that a unit's pull request must show. */
export function ownTexts(units: Units, unit: string): readonly string[] {
  return [unit, ...(units[unit] ?? [])].map(fileOf);
}

/** What a unit builds on, directly or not. */
export function dependenciesOf(units: Units, unit: string): readonly string[] {
  const direct = units[unit] ?? [];
  return [...new Set([...direct, ...direct.flatMap((each) => dependenciesOf(units, each))])];
}
