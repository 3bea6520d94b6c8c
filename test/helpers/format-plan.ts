import { FORMATS, type FormatName } from '../../src/discovery/formats/formats.ts';
import { planOf } from './plan-of.ts';

/** A plan of task lists of another tool, in lines that a table of expectations can hold. */
export interface FormatPlan {
  /** `id after other: 1 gate; 2x gate after 1`, by id; `x` marks a ticked task, `!` a unit that cannot run. */
  readonly units: readonly string[];
  /** `line code`, in order. */
  readonly problems: readonly string[];
}

/** Plans one task list, or several by the names of their directories. `config` is added to `.choo.yml`. */
export async function formatPlan(
  from: FormatName,
  lists: string | Readonly<Record<string, string>>,
  config = '',
): Promise<FormatPlan> {
  const { standardPath } = FORMATS[from];
  const entries = Object.entries(typeof lists === 'string' ? { login: lists } : lists);
  const { units, problems } = await planOf({
    '.choo.yml': `specs: { from: ${from} }\n${config}`,
    ...Object.fromEntries(entries.map(([name, text]) => [`${standardPath}/${name}/tasks.md`, text])),
  });
  return {
    units: units.map(({ id, state, dependsOn, tasks }) => {
      const waits = dependsOn.length === 0 ? '' : ` after ${dependsOn.join(' ')}`;
      const listed = tasks.map(
        (task) =>
          `${task.number}${task.status === 'complete' ? 'x' : ''} ${task.gate}` +
          (task.dependsOn.length === 0 ? '' : ` after ${task.dependsOn.join(' ')}`),
      );
      return `${id}${state === 'broken' ? '!' : ''}${waits}: ${listed.join('; ')}`;
    }),
    problems: problems.list.map(({ line, code }) => `${line} ${code}`),
  };
}
