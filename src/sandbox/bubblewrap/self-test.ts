import { chmod, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { newMark, OWNER_VARIABLE } from '../../system/process-tree.ts';
import { markedTree } from '../process/marked-tree.ts';
import { runCommand } from '../process/runner.ts';
import type { ExecResult, Sandbox, SandboxPaths } from '../sandbox.ts';

/** Time limit of one command of the self-test; a slower machine is unusable. Milliseconds. */
const COMMAND_TIMEOUT_MS = 20_000;

type SelfTest = { readonly ok: true } | Extract<Awaited<ReturnType<Sandbox['selfTest']>>, { ok: false }>;

/** Runs node and `git status` in a temporary worktree, with a gate's profile. */
export async function testBubblewrap(
  sandbox: Pick<Sandbox, 'exec' | 'chownToSandboxUser'>,
  options: { readonly searchPath: string; readonly nodePath: string; readonly directory: string },
): Promise<SelfTest> {
  const made = await mkdtemp(join(options.directory, 'choo-self-test-'));
  try {
    const directory = await realpath(made);
    await chmod(directory, 0o711); // as a data directory should be
    const [repository, worktree] = [join(directory, 'repository.git'), join(directory, 'worktree')];
    const onHost = (...args: readonly string[]): Promise<ExecResult> =>
      runGit(args, directory, options.searchPath);
    const failed = await firstFailure([
      ['git init', () => onHost('init', '--quiet', '--bare', repository)],
      ['git worktree add', () => addWorktree(onHost, { repository, worktree })],
    ]);
    if (failed !== undefined) return { ok: false, ...failed, hint: 'Install git 2.39 or later.' };
    await sandbox.chownToSandboxUser(worktree);
    const workplace = { worktree, readable: [repository] };
    const inside = await firstFailure([
      // By its path, because the PATH inside may also hold a Node of the system.
      ['node --version', () => run(sandbox, workplace, [join(options.nodePath, 'node'), '--version'])],
      ['git status', () => run(sandbox, workplace, ['git', 'status', '--porcelain'])],
    ]);
    return inside === undefined
      ? { ok: true }
      : { ok: false, ...inside, hint: await findHint(inside.reason) };
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}

async function firstFailure(
  steps: readonly (readonly [name: string, step: () => Promise<ExecResult>])[],
): Promise<{ readonly reason: string } | undefined> {
  for (const [name, step] of steps) {
    const { ending, tail } = await step();
    if (ending.kind === 'exited' && ending.exitCode === 0) continue;
    const how = ending.kind === 'exited' ? `exit code ${ending.exitCode}` : ending.kind;
    const message = ending.kind === 'not-started' ? ending.reason : tail.trim();
    return { reason: `${name}: ${message === '' ? how : message}` };
  }
  return undefined;
}

/** Adds a worktree at a new, empty commit. */
async function addWorktree(
  git: (...args: readonly string[]) => Promise<ExecResult>,
  { repository, worktree }: { readonly repository: string; readonly worktree: string },
): Promise<ExecResult> {
  const made = await git('-C', repository, 'hash-object', '-t', 'tree', '-w', '--stdin');
  const commit = await git('-C', repository, 'commit-tree', '-m', 'self-test', made.tail.trim());
  return await git('-C', repository, 'worktree', 'add', '--quiet', '--detach', worktree, commit.tail.trim());
}

async function runGit(args: readonly string[], cwd: string, searchPath: string): Promise<ExecResult> {
  const mark = newMark('self-test');
  const identity = { NAME: 'choo', EMAIL: 'choo@localhost' };
  return await runCommand({
    argv: ['git', ...args],
    cwd,
    stdin: '',
    env: {
      PATH: searchPath,
      HOME: cwd,
      LANG: 'C.UTF-8',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: identity.NAME,
      GIT_AUTHOR_EMAIL: identity.EMAIL,
      GIT_COMMITTER_NAME: identity.NAME,
      GIT_COMMITTER_EMAIL: identity.EMAIL,
      [OWNER_VARIABLE]: mark,
    },
    totalMs: COMMAND_TIMEOUT_MS,
    tree: markedTree(mark),
  });
}

async function run(
  sandbox: Pick<Sandbox, 'exec'>,
  workplace: SandboxPaths,
  argv: readonly [string, ...string[]],
): Promise<ExecResult> {
  return await sandbox.exec(workplace, {
    profile: 'gate',
    argv,
    cwd: workplace.worktree,
    totalMs: COMMAND_TIMEOUT_MS,
  });
}

/** Kernel settings of some distributions, with the value that forbids what bubblewrap does. */
const SETTINGS: readonly (readonly [name: string, forbidding: string])[] = [
  ['kernel.unprivileged_userns_clone', '0'],
  ['user.max_user_namespaces', '0'],
  ['kernel.apparmor_restrict_unprivileged_userns', '1'],
];

/** The hint for a reason why the self-test failed. */
async function findHint(reason: string): Promise<string> {
  const install = 'Debian and Ubuntu: `apt-get install bubblewrap`; Fedora: `dnf install bubblewrap`.';
  if (/bwrap is not installed/.test(reason)) return install;
  if (/is not installed/.test(reason)) return 'Install util-linux.';
  if (/Unknown option/.test(reason)) return `bubblewrap 0.8 or later is needed. ${install}`;
  const [, program] = /execvp (\S+): Permission denied/.exec(reason) ?? [];
  if (program !== undefined) {
    return `Make it readable and executable for all users: \`chmod -R o+rX ${dirname(program)}\`.`;
  }
  for (const [name, forbidding] of SETTINGS) {
    const value = await readFile(`/proc/sys/${name.replaceAll('.', '/')}`, 'latin1').catch(() => '');
    if (value.trim() !== forbidding) continue;
    return name.includes('apparmor')
      ? `AppArmor forbids user namespaces: give bwrap a profile with \`userns,\`, or \`sysctl ${name}=0\`.`
      : `User namespaces are off: \`sysctl ${name}=${name.startsWith('user.') ? 15_000 : 1}\`.`;
  }
  return 'In a container, user namespaces and mounts must be allowed: Docker needs the three `security_opt` of `compose.yaml`, for which docs/deploy.md has the reasons, and `--cap-add SYS_ADMIN` when choo is root.';
}
