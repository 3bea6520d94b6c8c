import { Command, Option } from 'commander';
import { lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import {
  type Choice,
  choicesFor,
  GATES_FILE,
  MAX_GATES_BYTES,
  readChosenGates,
  renderChoices,
} from '../../../discovery/formats/chosen-gates.ts';
import type { ListedGate } from '../../../discovery/formats/keep-tasks.ts';
import { baseName, DirectoryTree } from '../../../discovery/tree.ts';
import { ChooError } from '../../../errors.ts';
import { findGateFaults } from '../../../gates/read-gate.ts';
import { type Project, readProject } from '../../../plan/project.ts';
import { renderProblem } from '../../../plan/text.ts';
import { compareText, type Problem, reportInto } from '../../../problems/problem.ts';
import { columnWidth, count, pad, printable, truncate } from '../../../text/terminal-layout.ts';
import type { CommandContext } from '../../context.ts';
import type { Terminal } from '../../terminal.ts';
import { findProjectDirectory } from '../../sources/workspace.ts';

interface Options {
  readonly json?: boolean;
  readonly yaml?: boolean;
  readonly write?: string;
}

/** `choo gates`: every task with its gate and where that comes from, and choices of people instead. */
export function gatesCommand({ terminal, cwd, finish }: CommandContext): Command {
  return new Command('gates')
    .summary('list every task with its gate, and fill in those that have none')
    .description(
      `Lists every task with its gate and where that comes from. In task lists of other tools gates are found, never made up: \`--yaml\` prints a file to fill in, and \`--write\` puts what you chose into ${GATES_FILE} beside the lists, where it wins over what is found.`,
    )
    .argument('[path]', 'the project directory (default: the current one, or the nearest parent with specs)')
    .option('--json', 'print the gates as JSON')
    .addOption(
      new Option('--yaml', 'print your choices, and a line for each task without a gate').conflicts('json'),
    )
    .addOption(
      new Option('--write <file>', 'take the choices of a file (`-`: standard input)').conflicts([
        'json',
        'yaml',
      ]),
    )
    .addHelpText('after', HELP)
    .action(async (path: string | undefined, options: Options) => {
      const directory = findProjectDirectory(path, cwd);
      if (options.write !== undefined) {
        finish(await writeChoices(options.write, { terminal, cwd, directory }));
        return;
      }
      const gates = listGates(await readProject(new DirectoryTree(directory)));
      const open = gates.filter(({ gate, done }) => gate === null && !done);
      if (options.json === true)
        terminal.json({
          version: 1,
          gates: gates.map((each) => ({ ...each, faults: faultsOf(each).map(({ code }) => code) })),
        });
      else if (options.yaml === true) terminal.out(renderChoices(choicesOf(gates)));
      else terminal.out(renderGates(gates, open.length, terminal));
      finish(open.length > 0 ? 1 : 0);
    });
}

const HELP = `
Exit status: 0 every open task has a gate, 1 one has none or a choice cannot be taken, 2 wrong usage.

Examples:
  choo gates                         all tasks with their gates
  choo gates --yaml > gates.yml      what is to be filled in, with an editor
  choo gates --write gates.yml       take it over`;

/** The tasks of other tools, and those of choo's own specs, by file and line. */
function listGates({ discovery }: Project): readonly ListedGate[] {
  const own = discovery.units
    .filter(({ source }) => source === undefined)
    .flatMap(({ id, directory, tasks }) =>
      tasks.map(({ number, title, file, status, gate }): ListedGate => {
        const line = file.frontMatter.fields.get('backpressure')?.at.line ?? 1;
        return {
          unit: id,
          directory,
          name: String(number),
          title,
          file: file.path,
          line,
          done: status === 'complete',
          gate: { command: gate, from: 'spec', line },
        };
      }),
    );
  return [...own, ...(discovery.gates ?? [])].sort((a, b) => compareText(a.file, b.file) || a.line - b.line);
}

function faultsOf({ gate }: Pick<ListedGate, 'gate'>): ReturnType<typeof findGateFaults> {
  return gate === null ? [] : findGateFaults(gate.command);
}

const ORIGINS = {
  chosen: `chosen in ${GATES_FILE}`,
  task: 'named by the task',
  unit: 'named by what proves the unit',
  default: '`default_gate`',
  spec: '`backpressure`',
} as const;

function renderGates(gates: readonly ListedGate[], open: number, terminal: Terminal): string {
  const { paint, width } = terminal;
  const lines: string[] = [];
  let last: string | undefined;
  const names = columnWidth(
    gates.map(({ name }) => printable(name)),
    12,
  );
  for (const each of gates) {
    const { gate, done, name, title, line } = each;
    const place = gate?.from === 'spec' ? each.directory : each.file;
    if (place !== last) lines.push(...(last === undefined ? [] : ['']), paint('bold', printable(place)));
    last = place;
    const mark = done ? paint('green', '✓') : gate === null ? paint('red', '!') : ' ';
    const label = pad(truncate(printable(name), names), names);
    lines.push(` ${mark}${label}  ${truncate(printable(title), width - names - 4)}`);
    const indent = ' '.repeat(names + 4);
    if (gate === null) lines.push(`${indent}${paint('red', 'no gate')}`);
    else {
      const where = gate.line === null || gate.line === line ? '' : `, line ${gate.line}`;
      lines.push(`${indent}${paint('dim', truncate(`$ ${printable(gate.command)}`, width - names - 4))}`);
      lines.push(`${indent}${paint('dim', `${ORIGINS[gate.from]}${where}`)}`);
    }
    for (const { message, hint } of faultsOf(each))
      lines.push(`${indent}${paint('yellow', 'warning')} ${printable(message)}; ${printable(hint)}`);
  }
  const summary = `${count(gates.length, 'task')}, ${open === 0 ? 'each open one with a gate' : `${open} without a gate`}`;
  const next =
    open === 0
      ? ''
      : '`choo gates --yaml > gates.yml` prints what is to be filled in, `choo gates --write gates.yml` takes it over.\n';
  return `${[...lines, ...(lines.length === 0 ? [] : ['']), summary].join('\n')}\n${next}`;
}

/** What was chosen, and what is to be chosen, by list. */
function choicesOf(gates: readonly ListedGate[]): readonly Choice[] {
  return gates
    .filter(({ gate, done }) => gate?.from === 'chosen' || (gate === null && !done))
    .map(({ directory, name, title, gate }) => ({ directory, name, title, gate: gate?.command }));
}

interface WriteContext {
  readonly terminal: Terminal;
  readonly cwd: string;
  readonly directory: string;
}

/** Merges choices into the files beside the lists. All or nothing; returns the exit status. */
async function writeChoices(from: string, { terminal, cwd, directory }: WriteContext): Promise<number> {
  const problems: Problem[] = [];
  const chosen = readChosenGates(readInput(from, cwd), reportInto(problems, from));
  const gates = (await readProject(new DirectoryTree(directory))).discovery.gates ?? [];
  const report = reportInto(problems, from);
  for (const [name, tasks] of chosen) {
    const own = gates.filter((each) => each.directory === name || baseName(each.directory) === name);
    const known = new Set(own.map((each) => each.name));
    for (const task of tasks.keys())
      if (!known.has(task))
        report(
          'error',
          'format-gates',
          { line: 1, column: 1 },
          own.length === 0 ? `no task list is read in \`${name}\`` : `\`${name}\` has no task \`${task}\``,
          { hint: '`choo gates` lists the tasks' },
        );
  }
  if (problems.length > 0) {
    for (const problem of problems) terminal.notice(`${renderProblem(problem, terminal)}\n`);
    return 1;
  }
  for (const root of new Set(gates.map((each) => each.directory.slice(0, each.directory.lastIndexOf('/'))))) {
    const file = join(directory, root, GATES_FILE);
    const own = gates.filter((each) => each.directory.slice(0, each.directory.lastIndexOf('/')) === root);
    const choices = own.flatMap((each): readonly Choice[] => {
      const gate = choicesFor(chosen, each.directory).get(each.name) ?? oldChoice(each);
      return gate === undefined ? [] : [{ ...each, directory: baseName(each.directory), gate }];
    });
    const news = own.filter((each) => choicesFor(chosen, each.directory).has(each.name));
    if (news.length === 0) continue;
    writeRegular(file, renderChoices(choices));
    terminal.out(`wrote ${relative(cwd, file)}: ${count(choices.length, 'gate')}\n`);
    for (const { gate, name } of choices)
      for (const { message, hint } of findGateFaults(gate ?? ''))
        terminal.notice(
          `warning: the gate of ${printable(name)}: ${printable(message)}\n  hint: ${printable(hint)}\n`,
        );
  }
  return 0;
}

function oldChoice({ gate }: ListedGate): string | undefined {
  return gate?.from === 'chosen' ? gate.command : undefined;
}

function readInput(from: string, cwd: string): string {
  try {
    const text = readFileSync(from === '-' ? 0 : resolve(cwd, from), 'utf8');
    if (text.length > MAX_GATES_BYTES)
      throw new ChooError('usage', `\`${from}\` is larger than ${MAX_GATES_BYTES / 1024} KiB`);
    return text;
  } catch (cause) {
    if (cause instanceof ChooError) throw cause;
    throw new ChooError('usage', `\`${from}\` cannot be read`, {
      hint: 'name a file, or `-` for standard input',
      cause,
    });
  }
}

/** Writes a file where there is none, or a regular one: a link could lead anywhere. */
function writeRegular(path: string, content: string): void {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there !== undefined && !there.isFile())
    throw new ChooError('conflict', `\`${path}\` is not a regular file`, { hint: 'remove it first' });
  writeFileSync(path, content);
}
