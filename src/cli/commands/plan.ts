import { Command, Option } from 'commander';
import { ceilingsOf } from '../../config/ceilings.ts';
import { applyCeilings } from '../../config/apply-ceilings.ts';
import { DirectoryTree } from '../../discovery/tree.ts';
import { currentBranch, findConflictingBranches, listOwnBranches } from '../../git/branches.ts';
import { type Git, openGit } from '../../git/git.ts';
import { renderMermaid } from '../../plan/mermaid.ts';
import { makePlan } from '../../plan/plan.ts';
import { type Project, readProject } from '../../plan/project.ts';
import type { Plan } from '../../plan/schema.ts';
import { renderPlan } from '../../plan/text.ts';
import type { Problem } from '../../problems/problem.ts';
import type { CommandContext } from '../context.ts';
import { addProviderOptions, type PlanOptions, planCandidates, unitOption } from '../plan-options.ts';
import { readProjectAtCommit } from '../sources/project-at-commit.ts';
import { findProjectDirectory, seenFrom } from '../sources/workspace.ts';

interface Options extends PlanOptions {
  readonly json?: boolean;
  readonly mermaid?: boolean;
  readonly rev?: string;
}

/** `choo plan`: what would run, in which order, with what. */
export function planCommand({ terminal, settings, cwd, finish }: CommandContext): Command {
  return addProviderOptions(
    new Command('plan')
      .summary('show what would run, in which order, with which provider')
      .description(
        'Shows waves, tasks with their gates, providers, the critical path and problems. Starts nothing and changes nothing.',
      )
      .argument(
        '[path]',
        'the project directory (default: the current one, or the nearest parent with specs)',
      )
      .addOption(unitOption('plan'))
      .option('--rev <ref>', 'plan a commit instead of the working tree, without a checkout'),
  )
    .option('--json', 'print the plan as JSON (`choo schema plan` describes it)')
    .addOption(new Option('--mermaid', 'print the graph as a Mermaid flowchart').conflicts('json'))
    .addHelpText('after', HELP)
    .action(async (path: string | undefined, options: Options) => {
      const directory = findProjectDirectory(path, cwd);
      const local = settings();
      const { PATH } = local;
      const git = openGit(directory, PATH);
      const branches = readBranches(git); // git answers while the tree is read
      const { project, source } =
        options.rev === undefined
          ? await readDirectory(directory)
          : await readCommit(directory, options.rev, PATH);
      const plan = makePlan({
        ...project,
        configuration: applyCeilings(project.configuration, ceilingsOf(local)),
        source,
        directory: (await branches).directory,
        repositoryProblems: repositoryProblems(project, await branches),
        ...planCandidates(options, local),
      });
      if (options.json === true) terminal.json(plan);
      else if (options.mermaid === true) terminal.out(renderMermaid(plan));
      else
        terminal.out(
          renderPlan(options.rev === undefined ? withPathsSeenFrom(cwd, directory, plan) : plan, terminal),
        );
      finish(plan.runnable ? 0 : 1);
    });
}

const HELP = `
Exit status: 0 the plan is runnable, 1 it has errors, 2 wrong usage.

Examples:
  choo plan                          the project around the current directory
  choo plan --unit api --unit web    two units and their dependencies
  choo plan --rev origin/main        the specs of another branch
  choo plan --mermaid > plan.mmd     a graph for a \`\`\`mermaid block`;

interface Reading {
  readonly project: Project;
  readonly source: Plan['source'];
}

async function readDirectory(directory: string): Promise<Reading> {
  return {
    project: await readProject(new DirectoryTree(directory)),
    source: { kind: 'directory', name: directory, commit: null },
  };
}

async function readCommit(directory: string, rev: string, searchPath: string): Promise<Reading> {
  const { project, commit } = await readProjectAtCommit(directory, rev, searchPath);
  return { project, source: { kind: 'commit', name: rev, commit } };
}

interface Branches {
  readonly own: readonly string[];
  readonly current: string | undefined;
  /** From the repository's root to where one stands. */
  readonly directory: string;
}

/** The branches that could be in the way, and of which project. Outside of a repository there are none. */
async function readBranches(git: Git): Promise<Branches> {
  const [own, prefix] = await Promise.all([
    listOwnBranches(git).catch(() => []),
    git.run('rev-parse', '--show-prefix').catch(() => ''),
  ]);
  const current = own.length === 0 ? undefined : await currentBranch(git);
  return { own, current, directory: prefix.replace(/\n$/, '') };
}

function repositoryProblems(
  { configuration, discovery }: Project,
  { own, current, directory }: Branches,
): readonly Problem[] {
  const target = configuration.config?.target_branch ?? current ?? '';
  return findConflictingBranches(
    own,
    { target, directory },
    discovery.units.map((unit) => unit.id),
  );
}

function withPathsSeenFrom(cwd: string, directory: string, plan: Plan): Plan {
  return { ...plan, problems: { ...plan.problems, list: plan.problems.list.map(seenFrom(cwd, directory)) } };
}
