import { Command, Option } from 'commander';
import { once } from 'node:events';
import { ceilingsOf } from '../../config/ceilings.ts';
import { applyCeilings, isClamp } from '../../config/apply-ceilings.ts';
import { type Config, DEFAULT_CONFIG } from '../../config/schema.ts';
import { specRoots } from '../../config/spec-sources.ts';
import { ChooError } from '../../errors.ts';
import { currentBranch } from '../../git/branches.ts';
import { openGit } from '../../git/git.ts';
import type { RepositoryPaths } from '../../git/repository.ts';
import {
  describeLocalStart,
  hasWork,
  type LocalRun,
  runLocally,
} from '../../orchestrator/local/local-run.ts';
import { findPreflightProblems } from '../../orchestrator/preflight.ts';
import { makePlan } from '../../plan/plan.ts';
import { renderPlan, renderProblem } from '../../plan/text.ts';
import { amount, wholeNumber } from '../arguments.ts';
import type { CommandContext } from '../context.ts';
import { addProviderOptions, type PlanOptions, planCandidates, unitOption } from '../plan-options.ts';
import { findUncommitted, readProjectAtCommit, uncommittedError } from '../sources/project-at-commit.ts';
import { applyLimitOptions, type LimitOptions } from '../sources/run-limits.ts';
import { findProjectDirectory, seenFrom } from '../sources/workspace.ts';
import type { RunDashboard } from '../dashboard/run-dashboard.ts';
import { exitCodeOf, findBranchProblems, openTerminalRun } from './local-services.ts';

interface RunOptions extends PlanOptions, LimitOptions {
  readonly target?: string;
  readonly sandbox: 'bubblewrap' | 'host' | 'auto';
  readonly rev?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly keepWorktrees?: boolean;
  readonly fresh?: boolean;
  /** The port of the dashboard; true: a free one. */
  readonly web?: number | true;
}

/** `choo run`: carries the plan out. */
export function runCommand(context: CommandContext): Command {
  return addProviderOptions(
    new Command('run')
      .summary('execute the plan')
      .description(
        'Runs the units of a project in parallel, each in its own worktree. Reads specs and configuration at HEAD and never touches your checkout. An interrupted run is resumed.',
      )
      .argument(
        '[path]',
        'the project directory (default: the current one, or the nearest parent with specs)',
      )
      .addOption(
        new Option('-p, --parallelism <n>', 'how many units run at once').argParser(wholeNumber(1, 100)),
      )
      .option(
        '--target <branch>',
        'the target branch of the results (default: as configured, or the current branch)',
      )
      .addOption(unitOption('run')),
  )
    .addOption(
      new Option('--sandbox <kind>', 'where agents and gates run')
        .choices(['auto', 'bubblewrap', 'host'])
        .default('auto'),
    )
    .addOption(
      new Option('--max-tokens <n>', 'the most tokens the run may use').argParser(
        wholeNumber(1, 10_000_000_000),
      ),
    )
    .addOption(
      new Option('--max-cost <dollars>', 'the most the run may cost, in US dollars').argParser(amount),
    )
    .option('--rev <ref>', 'run a commit instead of HEAD, without a checkout')
    .option('--fresh', 'start units over; their commits are kept at choo/old/…')
    .option('--keep-worktrees', 'keep the worktrees of units that did not complete')
    .addOption(
      new Option('--web [port]', 'show the run in a browser on this machine; prints the address').argParser(
        wholeNumber(1, 65_535),
      ),
    )
    .addOption(new Option('--dry-run', 'show what would run and start nothing').conflicts('json'))
    .option('--json', 'print each event as a line of JSON (`choo schema events` describes it)')
    .addHelpText('after', HELP)
    .action(async (path: string | undefined, options: RunOptions) => runPlan(context, path, options));
}

const HELP = `
Exit status: 0 every unit is complete, 1 a unit failed or is blocked, or the plan has errors (printed on standard error), \
2 wrong usage, 130 interrupted.
Ctrl-C stops the run within five seconds and keeps every commit; a second Ctrl-C stops it at once. \`choo run\` resumes it.

Examples:
  choo run                           all units that are not complete
  choo run --unit api -p 2           a unit and its dependencies, two at a time
  choo run --provider rehearsal      no model: the rehearsal blocks of the specs
  choo run --max-cost 5              stop at five dollars
  choo run --web                     follow it in a browser; docs/dashboard.md
  choo run --json | jq -r .type      for scripts`;

async function runPlan(
  context: CommandContext,
  path: string | undefined,
  options: RunOptions,
): Promise<void> {
  const { terminal, cwd, finish } = context;
  const settings = context.settings();
  const directory = findProjectDirectory(path, cwd);

  // 1. What is to be run, and whether it can be.
  const { project, place, commit } = await readProjectAtCommit(
    directory,
    options.rev ?? 'HEAD',
    settings.PATH,
  );
  const ceilings = ceilingsOf(settings);
  const configuration = applyCeilings(project.configuration, ceilings);
  const { config, notes } = applyLimitOptions(configuration.config ?? DEFAULT_CONFIG, options, ceilings);
  if (options.rev === undefined) {
    const uncommitted = await findUncommitted(directory, specRoots(config), settings.PATH);
    if (uncommitted.length > 0) throw uncommittedError(uncommitted);
  }
  const target = await findTarget(options, config, directory, settings.PATH);
  const unitPlace = { target, directory: place.prefix };
  const ids = project.discovery.units.map((unit) => unit.id);
  const plan = makePlan({
    ...project,
    configuration,
    directory: place.prefix,
    source: { kind: 'commit', name: options.rev ?? 'HEAD', commit },
    repositoryProblems: await findBranchProblems(place, settings.PATH, { place: unitPlace, ids }),
    ...planCandidates(options, settings),
  });
  if (!plan.runnable) {
    terminal.notice(renderPlan(plan, { ...terminal, paint: (_, text) => text }));
    finish(1);
    return;
  }
  if (options.dryRun === true) {
    terminal.out(renderPlan(plan, terminal));
    finish(0);
    return;
  }
  if (!hasWork(plan)) {
    terminal.notice('Nothing to run: every unit is complete in the specs.\n');
    finish(0);
    return;
  }

  for (const problem of plan.problems.list.filter(isClamp).map(seenFrom(cwd, directory)))
    terminal.notice(`${renderProblem(problem, terminal)}\n`);
  for (const notice of notes) terminal.notice(`${notice}\n`);

  // 2. With what.
  using run = await openTerminalRun(context, {
    units: project.discovery.units,
    providers: plan.units.flatMap(({ state, provider }) =>
      state === 'planned' && provider !== null ? [provider.name] : [],
    ),
    config,
    place,
    sandbox: options.sandbox,
    keepWorktrees: options.keepWorktrees === true,
    json: options.json === true,
  });
  const fresh = new Set(options.fresh === true ? (options.unit ?? plan.waves.flat()) : []);
  const request: LocalRun = { ...run.services, plan, target, commit, fresh };
  const problems = findPreflightProblems({
    planned: describeLocalStart(request, '').units,
    units: new Map(project.discovery.units.map((unit) => [unit.id, unit])),
    config,
    place: unitPlace,
    agentOf: request.agentOf,
  });
  if (problems.length > 0) {
    for (const problem of problems.map(seenFrom(cwd, directory)))
      terminal.notice(`${renderProblem(problem, terminal)}\n`);
    finish(1);
    return;
  }

  // 3. To its end.
  await using dashboard = await openDashboardOf(context, options, { place, directory });
  const state = await runLocally(request);
  run.view.end(state);
  if (dashboard !== undefined && terminal.interactive && !run.services.signal.aborted) {
    terminal.notice(`\nThe dashboard stays at ${dashboard.url} until you press Ctrl-C.\n`);
    await once(run.services.signal, 'abort');
  }
  finish(exitCodeOf(state));
}

/** Opens the dashboard where it is wanted, and says where it is. */
async function openDashboardOf(
  context: CommandContext,
  { web }: RunOptions,
  { place, directory }: { readonly place: RepositoryPaths; readonly directory: string },
): Promise<RunDashboard | undefined> {
  if (web === undefined) return undefined;
  const { openRunDashboard } = await import('../dashboard/run-dashboard.ts');
  const searchPath = context.settings().PATH;
  const port = web === true ? 0 : web;
  const dashboard = await openRunDashboard(context, { place, directory, searchPath, port });
  context.terminal.notice(`Dashboard: ${dashboard.url}\n`);
  return dashboard;
}

async function findTarget(
  { target }: RunOptions,
  config: Config,
  directory: string,
  searchPath: string,
): Promise<string> {
  const named = target ?? config.target_branch ?? (await currentBranch(openGit(directory, searchPath)));
  if (named !== undefined) return named;
  throw new ChooError('usage', 'the results need a target branch, and no branch is checked out', {
    hint: 'name one with `--target <branch>`',
  });
}
