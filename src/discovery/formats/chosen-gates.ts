import { isMap, isScalar } from 'yaml';
import { FILE_START, type Report } from '../../problems/problem.ts';
import { readYaml, type YamlText } from '../../problems/yaml.ts';
import { baseName } from '../tree.ts';

/** The file beside the directories of a source that says which gates people chose. */
export const GATES_FILE = 'choo.gates.yml';

/** A larger file is not read. Bytes. */
export const MAX_GATES_BYTES = 256 * 1024;

/** What people chose: the name or path of a directory, to the number of a task (or its title where it has none), to its gate. */
export type ChosenGates = ReadonlyMap<string, ReadonlyMap<string, string>>;

/**
 * Reads choices: a mapping of directories, by their names or paths, to mappings of tasks to commands. Empty values are no choices.
 * Reports what is no such thing; never throws.
 */
export function readChosenGates(text: string, report: Report): ChosenGates {
  const chosen = new Map<string, Map<string, string>>();
  const yaml = readYaml(text.replace(/^\uFEFF/, ''));
  for (const { message, ...at } of yaml.faults)
    report('error', 'format-gates', at, `not valid YAML: ${message}`);
  const { contents } = yaml.document;
  if (yaml.faults.length > 0 || contents === null) return chosen;
  for (const [directory, tasks] of pairsOf(contents, yaml, report)) {
    const own = chosen.get(directory) ?? new Map<string, string>();
    chosen.set(directory, own);
    for (const [task, gate] of pairsOf(tasks, yaml, report)) {
      if (isScalar(gate) && (gate.value === null || gate.value === '')) continue;
      if (isScalar(gate) && typeof gate.value === 'string') own.set(task, gate.value);
      else report('error', 'format-gates', placeOf(gate, yaml), 'a gate must be one command', { got: task });
    }
  }
  return chosen;
}

/** The pairs of a mapping; none, and a report, for anything else. */
function pairsOf(node: unknown, yaml: YamlText, report: Report): readonly (readonly [string, unknown])[] {
  if (isScalar(node) && node.value === null) return [];
  if (!isMap(node)) {
    report('error', 'format-gates', placeOf(node, yaml), 'this must be a mapping of names', {
      hint: 'write a directory, and below it a line for each task: `"1.1": npm test`',
    });
    return [];
  }
  return node.items.flatMap((pair) => {
    const { key, value } = pair;
    return isScalar(key) ? [[String(key.source ?? key.value), value] as const] : [];
  });
}

function placeOf(node: unknown, { at }: YamlText): typeof FILE_START {
  const range: unknown =
    typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
  return Array.isArray(range) ? at(Number(range[0])) : FILE_START;
}

/** The choices for the list in a directory, which they name by its path or its name. */
export function choicesFor(chosen: ChosenGates, directory: string): ReadonlyMap<string, string> {
  return new Map([...(chosen.get(baseName(directory)) ?? []), ...(chosen.get(directory) ?? [])]);
}

/** A line of a file of choices. */
export interface Choice {
  readonly directory: string;
  readonly name: string;
  /** Undefined: to be filled in. */
  readonly gate: string | undefined;
  readonly title: string;
}

/** Choices as a file, in their order: each names its task in a comment where it is to be filled in. */
export function renderChoices(choices: readonly Choice[]): string {
  const lines = ['# Gates that people chose: they win over what is found. `choo gates` lists all.'];
  let last: string | undefined;
  for (const { directory, name, gate, title } of choices) {
    if (directory !== last) lines.push(`${JSON.stringify(directory)}:`);
    last = directory;
    const value = gate === undefined ? ` # ${oneLine(title)}` : ` ${JSON.stringify(gate)}`;
    lines.push(`  ${JSON.stringify(name)}:${value}`);
  }
  return `${lines.join('\n')}\n`;
}

function oneLine(text: string): string {
  return text.replaceAll(/[\s\p{C}]+/gu, ' ').trim();
}
