import { readGlob } from '../config/glob.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { Unit } from '../discovery/unit.ts';
import { FILE_START, type Position, type Problem } from '../problems/problem.ts';
import { findGateFaults } from '../gates/read-gate.ts';

/**
 * Reports what makes gates of open tasks, and the commands of baseline checks, mean less than they seem to; as errors with
 * `strict_gates`. Each gate is read once, however many tasks have it. Pure.
 */
export function gateProblems(
  units: readonly Unit[],
  { strict_gates, baseline_checks, specs_dir }: Config,
  configuration: LoadedConfig,
): readonly Problem[] {
  const read = new Map<string, ReturnType<typeof findGateFaults>>();
  const problemsOf = (gate: string, file: string, field: string, at: Position): readonly Problem[] => {
    const faults = read.get(gate) ?? findGateFaults(gate);
    read.set(gate, faults);
    const severity = strict_gates ? 'error' : 'warning';
    return faults.map((fault) => ({ severity, ...fault, file, field, line: at.line, column: at.column }));
  };
  return [
    ...baseline_checks.flatMap(({ command }) =>
      problemsOf(command, configuration.file ?? specs_dir, 'baseline_checks', FILE_START),
    ),
    ...units.flatMap(({ tasks }) =>
      tasks
        .filter(({ status }) => status !== 'complete')
        .flatMap(({ gate, file: { path, frontMatter } }) =>
          problemsOf(
            gate,
            path,
            'backpressure',
            frontMatter.fields.get('backpressure')?.value.at ?? FILE_START,
          ),
        ),
    ),
    ...units.flatMap(({ tasks }) => tasks.flatMap(allowanceProblems)),
  ];
}

/** Reports patterns of `may_change` that match nothing. */
function allowanceProblems({ mayChange, file }: Unit['tasks'][number]): readonly Problem[] {
  return mayChange.flatMap((pattern): readonly Problem[] => {
    const read = readGlob(pattern.replace(/\/$/, ''));
    if (!('fault' in read)) return [];
    const { line, column } = file.frontMatter.fields.get('may_change')?.value.at ?? FILE_START;
    return [
      {
        severity: 'error',
        code: 'may-change-pattern',
        message: `\`may_change\` must be ${read.fault}`,
        file: file.path,
        line,
        column,
        field: 'may_change',
        got: pattern,
      },
    ];
  });
}
