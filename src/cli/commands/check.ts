import { Command, Option } from 'commander';
import { DirectoryTree, findEntry, type SpecTree } from '../../discovery/tree.ts';
import { count, wrapList } from '../../text/terminal-layout.ts';
import { makePlan } from '../../plan/plan.ts';
import { readProject } from '../../plan/project.ts';
import { renderCounts, renderProblem } from '../../plan/text.ts';
import { compareText, type Problem } from '../../problems/problem.ts';
import type { CommandContext } from '../context.ts';
import { findProjectDirectory, seenFrom } from '../sources/workspace.ts';
import { excerpt } from '../views/excerpt.ts';
import { renderAnnotation } from '../views/github-annotations.ts';
import type { Terminal } from '../terminal.ts';

interface CheckOptions {
  readonly json?: boolean;
  readonly format: 'text' | 'github';
}

/** `choo check`: every problem of the specs and the configuration in a working tree. */
export function checkCommand({ terminal, settings, cwd, finish }: CommandContext): Command {
  return new Command('check')
    .summary('find every problem in specs and configuration')
    .description(
      'Reports every problem in the spec tree and .choo.yml of a working tree. Starts nothing and changes nothing.',
    )
    .argument('[path]', 'the project directory (default: the current one, or the nearest parent with specs)')
    .option('--json', 'print the problems as JSON')
    .addOption(
      new Option('--format <format>', 'how to print problems')
        .choices(['text', 'github'])
        .default('text')
        .conflicts('json'),
    )
    .addHelpText('after', HELP)
    .action(async (path: string | undefined, options: CheckOptions) => {
      const directory = findProjectDirectory(path, cwd);
      const tree = new DirectoryTree(directory);
      // A plan finds what no file shows by itself, such as a provider that nobody knows.
      const source = { kind: 'directory', name: directory, commit: null } as const;
      const { problems, units } = makePlan({
        ...(await readProject(tree)),
        source,
        allowedProviders: settings().CHOO_ALLOWED_PROVIDERS,
      });
      if (options.json === true) {
        terminal.json({ version: 1, ok: problems.errors === 0, units: units.length, problems });
      } else if (options.format === 'github') {
        for (const problem of problems.list.map(seenFrom(cwd, directory)))
          terminal.out(renderAnnotation(problem));
      } else {
        const show = seenFrom(cwd, directory);
        const texts = terminal.interactive ? await readTexts(tree, problems.list) : new Map<string, string>();
        for (const problem of problems.list) {
          const lines = texts.get(problem.file);
          const place = lines === undefined ? undefined : excerpt(lines, problem, terminal.width);
          const [line = '', ...hint] = renderProblem(show(problem), terminal).split('\n');
          terminal.out(`${[line, ...(place === undefined ? [] : [place]), ...hint].join('\n')}\n`);
        }
        if (problems.dropped > 0) terminal.out(`${count(problems.dropped, 'more problem')} not shown\n`);
        terminal.out(`${count(units.length, 'unit')}, ${renderCounts(problems, terminal)}\n`);
        if (problems.list.length > 0) terminal.out(`${explanation(problems.list, terminal)}\n`);
      }
      finish(problems.errors > 0 ? 1 : 0);
    });
}

const PAGE = 'docs/checks.md explains ';

/** Where each code that was reported is explained. */
function explanation(problems: readonly Problem[], { width }: Terminal): string {
  const codes = [...new Set(problems.map(({ code }) => code))].sort(compareText);
  return `${PAGE}${wrapList(codes, PAGE.length, 2, width)}`;
}

const HELP = `
Exit status: 0 no errors (there may be warnings and notices), 1 errors, 2 wrong usage.

Examples:
  choo check                    the project around the current directory
  choo check --json | jq .ok    for scripts
  choo check --format github    annotations in a GitHub workflow`;

/** The files that problems point into, for excerpts. */
async function readTexts(tree: SpecTree, problems: readonly Problem[]): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const path of new Set(problems.map((problem) => problem.file))) {
    const entry = await findEntry(tree, path);
    if (entry?.kind !== 'file' || entry.size > 1024 * 1024) continue;
    const [content] = await tree.read([entry]);
    if (content !== undefined) texts.set(path, Buffer.from(content).toString('utf8'));
  }
  return texts;
}
