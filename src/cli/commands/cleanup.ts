import { Command } from 'commander';
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { localDataDirectory } from '../../config/settings.ts';
import { foldEvents, type RunState } from '../../events/state.ts';
import { type Git, openGit } from '../../git/git.ts';
import { FETCHED, PREPARED, Repository, repositoryHome, type RepositoryPaths } from '../../git/repository.ts';
import { WorktreeManager } from '../../git/worktree.ts';
import { acquireLock } from '../../store/journal/journal-lock.ts';
import type { Journal } from '../../store/journal/journal.ts';
import { removeTree } from '../../system/remove-tree.ts';
import { count, printable } from '../../text/terminal-layout.ts';
import type { CommandContext } from '../context.ts';
import { openLocalJournal } from '../sources/local-journal.ts';
import { shellWord } from '../views/run-summary.ts';

interface CleanupOptions {
  readonly json?: boolean;
  readonly dryRun?: boolean;
}

/** Something that stays, and how to be rid of it. */
interface Leftover {
  readonly what: string;
  readonly why: string;
  readonly command: string;
}

interface Cleanup {
  readonly worktrees: readonly string[];
  /** What set-ups left behind, kept to be used again. */
  readonly setUps: readonly string[];
  /** Directories of what was fetched for worktrees: submodules, contents of Git LFS. */
  readonly fetched: readonly string[];
  /** Ids of runs. */
  readonly logs: readonly string[];
  readonly branches: readonly string[];
  readonly kept: readonly Leftover[];
}

/** `choo cleanup`: removes what runs left and nobody needs. */
export function cleanupCommand(context: CommandContext): Command {
  const { terminal, settings, finish } = context;
  return new Command('cleanup')
    .summary('remove what runs left behind')
    .description(
      'Removes worktrees, what set-ups left behind, fetched submodules and contents of Git LFS, the logs of runs that have ended, and `choo/run/` branches that are merged into HEAD. Keeps, and lists, everything that work can be resumed from.',
    )
    .argument('[path]', 'the project directory (default: the current one, or the nearest parent with specs)')
    .option('--dry-run', 'show what would be removed, and remove nothing')
    .option('--json', 'print what was removed and kept as JSON')
    .addHelpText('after', HELP)
    .action(async (path: string | undefined, options: CleanupOptions) => {
      const { place, directory, journal } = await openLocalJournal(context, path);
      const { PATH } = settings();
      const dryRun = options.dryRun === true;
      // Nothing may start while things go away.
      await using _lock = await acquireLock(place.commonDirectory, 'cleanup');
      const git = openGit(directory, PATH);
      const merged = await cleanBranches(git, dryRun);
      const logs = await cleanLogs(journal, dryRun);
      const worktrees = await cleanWorktrees(place, localDataDirectory(settings()), PATH, dryRun);
      const home = repositoryHome(localDataDirectory(settings()), place);
      const setUps = await cleanSetUps(join(home, PREPARED), dryRun);
      const done: Cleanup = {
        worktrees,
        setUps,
        fetched: await cleanFetched(home, dryRun),
        logs: logs.removed,
        branches: merged.removed,
        kept: [...merged.kept, ...logs.kept, ...(await keptUnits(git))],
      };
      if (options.json === true)
        terminal.json({ version: 1, dryRun, removed: { ...done, kept: undefined }, kept: done.kept });
      else terminal.out(renderCleanup(done, dryRun));
      finish(0);
    });
}

const HELP = `
Exit status: 0 done, 1 a run is active or something could not be removed, 2 wrong usage.

Examples:
  choo cleanup --dry-run    show what would be removed
  choo cleanup              remove it`;

interface Cleaned {
  readonly removed: readonly string[];
  readonly kept: readonly Leftover[];
}

/** Integration branches that HEAD has; the others stay, and so does one that is checked out somewhere. */
async function cleanBranches(git: Git, dryRun: boolean): Promise<Cleaned> {
  const all = await listRefs(git, 'refs/heads/choo/run');
  const head = await git.ask('rev-parse', '--verify', '--quiet', 'HEAD^{commit}');
  const merged = new Set(
    head.yes ? (await listRefs(git, 'refs/heads/choo/run', '--merged=HEAD')).map(({ name }) => name) : [],
  );
  const removed: string[] = [];
  const kept: Leftover[] = [];
  for (const { name, commit, worktree } of all) {
    const command = `git branch -D ${shellWord(name)}`;
    if (worktree !== '') kept.push({ what: `branch ${name}`, why: `checked out in ${worktree}`, command });
    else if (!merged.has(name)) kept.push({ what: `branch ${name}`, why: 'not merged into HEAD', command });
    else {
      if (!dryRun) await git.run('update-ref', '-d', `refs/heads/${name}`, commit);
      removed.push(name);
    }
  }
  return { removed, kept };
}

interface Ref {
  readonly name: string;
  readonly commit: string;
  /** Where it is checked out; empty: nowhere. */
  readonly worktree: string;
}

async function listRefs(git: Git, below: string, ...words: readonly string[]): Promise<readonly Ref[]> {
  const format = '--format=%(refname:lstrip=2)%00%(objectname)%00%(worktreepath)';
  const text = await git.run('for-each-ref', format, ...words, below);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [name = '', commit = '', worktree = ''] = line.split('\0');
      return { name, commit, worktree };
    });
}

/** Logs of runs that are over. A run that can go on keeps its own; the events of all stay. */
async function cleanLogs(journal: Journal, dryRun: boolean): Promise<Cleaned> {
  const removed: string[] = [];
  const kept: Leftover[] = [];
  const runs = await journal.runs();
  for (const run of runs) {
    if (!existsSync(journal.logDirectory(run))) continue;
    const status = await readStatus(journal, run);
    if (status === undefined || status === 'running' || status === 'interrupted') {
      const why = status === undefined ? 'its events cannot be read' : 'the run can be resumed';
      kept.push({
        what: `logs of run ${run}`,
        why,
        command: `rm -r ${shellWord(journal.logDirectory(run))}`,
      });
      continue;
    }
    if (!dryRun) await rm(journal.logDirectory(run), { recursive: true, force: true });
    removed.push(run);
  }
  if (runs.length > 0) {
    kept.push({
      what: `the journal of ${count(runs.length, 'run')}`,
      why: 'runs resume from it',
      command: `rm -r ${shellWord(join(journal.directory, 'runs'))} ${shellWord(join(journal.directory, 'units'))}`,
    });
  }
  return { removed, kept };
}

async function readStatus(journal: Journal, run: string): Promise<RunState['status'] | undefined> {
  try {
    return foldEvents(await journal.read(run))?.status;
  } catch {
    return undefined;
  }
}

/** All worktrees, also those that `--keep-worktrees` kept. */
async function cleanWorktrees(
  place: RepositoryPaths,
  dataDirectory: string,
  searchPath: string,
  dryRun: boolean,
): Promise<readonly string[]> {
  const home = repositoryHome(dataDirectory, place);
  const worktrees = join(home, 'worktrees');
  if (!existsSync(worktrees)) return [];
  if (dryRun) return (await readdir(worktrees)).map((name) => join(worktrees, name));
  await using repository = await Repository.open(place, home, searchPath);
  const names = await new WorktreeManager(repository, searchPath).removeLeftovers({ keptToo: true });
  return names.map((name) => join(worktrees, name));
}

/** Nothing uses them: no run is active. */
async function cleanSetUps(directory: string, dryRun: boolean): Promise<readonly string[]> {
  const names = await readdir(directory).catch(() => []);
  if (!dryRun) await removeTree(directory);
  return names.filter((name) => /^[0-9a-f]{64}\.\d+$/.test(name)).map((name) => join(directory, name));
}

/** What worktrees were filled from; it is fetched again where it is needed. */
async function cleanFetched(home: string, dryRun: boolean): Promise<readonly string[]> {
  const there = FETCHED.map((name) => join(home, name)).filter((path) => existsSync(path));
  for (const path of dryRun ? [] : there) await removeTree(path);
  return there;
}

/** The branches of units are work; only their owner knows whether it is done with. */
async function keptUnits(git: Git): Promise<readonly Leftover[]> {
  const kept: Leftover[] = [];
  for (const [below, what] of [
    ['unit', 'of units'],
    ['old', 'saved by `--fresh`'],
  ] as const) {
    const refs = await listRefs(git, `refs/heads/choo/${below}`);
    if (refs.length === 0) continue;
    kept.push({
      what: `${refs.length} ${refs.length === 1 ? 'branch' : 'branches'} ${what}`,
      why: 'the only copy of this work',
      command: `git branch -D ${refs.length === 1 ? shellWord(refs[0]?.name ?? '') : `$(git for-each-ref --format='%(refname:lstrip=2)' refs/heads/choo/${below})`}`,
    });
  }
  return kept;
}

function renderCleanup(
  { worktrees, setUps, fetched, logs, branches, kept }: Cleanup,
  dryRun: boolean,
): string {
  const verb = dryRun ? 'would remove' : 'removed';
  const lines = [
    ...worktrees.map((path) => `${verb} worktree ${printable(path)}`),
    ...setUps.map((path) => `${verb} what a set-up left in ${printable(path)}`),
    ...fetched.map((path) => `${verb} what was fetched into ${printable(path)}`),
    ...logs.map((run) => `${verb} logs of run ${run}`),
    ...branches.map((name) => `${verb} branch ${printable(name)}`),
  ];
  if (lines.length === 0) lines.push('nothing to remove');
  for (const { what, why, command } of kept)
    lines.push(`kept ${printable(what)}: ${printable(why)}`, `  ${printable(command)}`);
  return `${lines.join('\n')}\n`;
}
