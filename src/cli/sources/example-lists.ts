import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FORMATS, type FormatName } from '../../discovery/formats/formats.ts';
import { DirectoryTree } from '../../discovery/tree.ts';
import { discover } from '../../discovery/discovery.ts';
import type { Task } from '../../discovery/unit.ts';

/** What each format writes before a unit, where the units before the last one are independent of each other. */
const HEADINGS: Readonly<Record<FormatName, (unit: ExampleUnit) => string>> = {
  openspec: ({ place, title, isLast }) =>
    `## ${place}. ${title} (${isLast ? 'depends on 1, 2' : 'independent'})\n`,
  'spec-kit': ({ place, title, isLast }) =>
    isLast ? `## Phase ${place}: Polish - ${title}\n` : `## Phase ${place}: User Story ${place} - ${title}\n`,
  kiro: ({ place, title }) => `- [ ] ${place}. ${title}\n`,
};

const TASKS: Readonly<Record<FormatName, (place: number, number: number, total: number) => string>> = {
  openspec: (place, number) => `- [ ] ${place}.${number} `,
  'spec-kit': (_, __, total) => `- [ ] T${String(total).padStart(3, '0')} `,
  kiro: (place, number) => `  - [ ] ${place}.${number} `,
};

interface ExampleUnit {
  readonly place: number;
  readonly title: string;
  readonly isLast: boolean;
}

/** The path of the example's task list in a format, and its text: the same units, gates and rehearsals as in choo's own format. */
export async function exampleList(
  directory: string,
  from: FormatName,
): Promise<{ readonly path: string; readonly text: string }> {
  const { units } = await discover(new DirectoryTree(directory), 'specs/tasks');
  const ordered = units.toSorted((a, b) => a.dependsOn.length - b.dependsOn.length);
  const parts = ['# Tasks\n'];
  let total = 0;
  for (const [index, unit] of ordered.entries()) {
    const place = index + 1;
    parts.push(`\n${HEADINGS[from]({ place, title: unit.title, isLast: place === ordered.length })}\n`);
    for (const task of unit.tasks) {
      total += 1;
      parts.push(`${TASKS[from](place, task.number, total)}${task.title}\n${details(task, from)}`);
    }
  }
  if (from === 'kiro') {
    const waves = [...Map.groupBy(ordered, ({ dependsOn }) => dependsOn.length).values()];
    const numbers = waves.map((wave) => wave.map((unit) => String(ordered.indexOf(unit) + 1)));
    const graph = JSON.stringify({ waves: numbers.map((tasks, id) => ({ id, tasks })) });
    parts.push(`\n## Task Dependency Graph\n\n\`\`\`json\n${graph}\n\`\`\`\n`);
  }
  const name = from === 'spec-kit' ? '001-tally' : 'tally';
  return { path: `${FORMATS[from].standardPath}/${name}/tasks.md`, text: parts.join('') };
}

/** What stands below a task: its proof, and the text of its spec without the title. */
function details({ file, gate }: Task, from: FormatName): string {
  const indent = from === 'kiro' ? '    ' : '  ';
  const text = Buffer.from(file.content).toString('utf8').slice(file.frontMatter.bodyStart);
  const body = text.replace(/^\s*# [^\n]*\n/, '').trim();
  const lines = [`- Verify: \`${gate}\``, '', ...body.split('\n')];
  return `${lines.map((line) => (line === '' ? '' : indent + line)).join('\n')}\n\n`;
}

/** The configuration of the example, with the line that names its list. */
export function exampleConfig(directory: string, from: FormatName): string {
  const own = readFileSync(join(directory, '.choo.yml'), 'utf8');
  return `${own}\nspecs: { from: ${from} } # the task list stays as it is: choo ticks its boxes\n`;
}
