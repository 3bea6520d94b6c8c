import type { CodeArea } from './code-entry.ts';

/** Problems between the files of a unit, and between units. */
export const RELATION_CODES = {
  'unit-name-differs': {
    levels: ['warning'],
    meaning: 'The plan gives the unit another name than its directory has; the name of the directory counts.',
    cure: 'Write the name of the directory after `unit:`, or rename the directory.',
    example: 'the unit is called `payments`, after its directory',
  },
  'unit-not-complete': {
    levels: ['warning'],
    meaning: 'The plan says that the unit is complete, but not all its tasks are; the tasks count.',
    cure: 'Remove `orch_status`, or set it to what the tasks say.',
  },
  'unit-dependency-unknown': {
    levels: ['error'],
    meaning: '`depends_on` of a plan names a unit that does not exist.',
    cure: 'Correct the name, or remove it. The directory of a unit needs a plan and a task to be one.',
  },
  'unit-cycle': {
    levels: ['error'],
    meaning: 'Units depend on each other in a cycle, so none of them can be first.',
    cure: 'Remove one of the dependencies that the message lists.',
    example: 'units wait for each other: api -> web -> api',
  },
  'task-duplicate': {
    levels: ['error'],
    meaning: 'Two tasks of a unit have the same number.',
    cure: 'Number the tasks of a unit from 1, each number once.',
    example: 'task number 1 is taken by `01-a.md`',
  },
  'task-gap': {
    levels: ['warning'],
    meaning: 'The numbers of the tasks have a gap; the tasks run in order all the same.',
    cure: 'Number the tasks from 1 without gaps, or add the file that is missing.',
    example: 'there is no task 2 before task 3',
  },
  'task-dependency-unknown': {
    levels: ['error'],
    meaning: '`depends_on` of a task names a number that no task of the unit has.',
    cure: 'Correct the number, or remove it. A task depends only on tasks of its own unit.',
    example: 'the unit has no task 7',
  },
  'task-cycle': {
    levels: ['error'],
    meaning: 'Tasks of a unit depend on each other in a cycle, so none of them can be first.',
    cure: 'Remove one of the dependencies that the message lists.',
  },
} as const satisfies CodeArea;

/** Problems of `.choo.yml`. */
export const CONFIG_CODES = {
  'config-two-files': {
    levels: ['error'],
    meaning: 'The repository has more than one configuration.',
    cure: 'Keep one of `.choo.yml`, `.choo.yaml` and `.github/choo.yml`.',
  },
  'config-unreadable': {
    levels: ['error'],
    meaning: 'The configuration is larger than 64 KiB, is no regular file, or is not UTF-8 text.',
    cure: 'Replace it with a UTF-8 text file, without links and NUL bytes.',
  },
  'config-yaml': {
    levels: ['error'],
    meaning:
      'The configuration is not valid YAML, or uses a part of YAML that choo refuses, such as an alias.',
    cure: 'Fix the line that the message names, and write repeated values out.',
  },
  'config-shape': {
    levels: ['error'],
    meaning: 'The configuration is valid YAML, but no mapping.',
    cure: 'Write lines of `key: value`; `choo init` writes a file to begin with.',
  },
  'config-value': {
    levels: ['error'],
    meaning: 'The value of a key is missing, of the wrong kind or out of range.',
    cure: 'Write what the message names; [every key](configuration.md#every-key) has its type there.',
    example: '`parallelism` must be a whole number from 1 to 100',
  },
  'config-unknown-key': {
    levels: ['error'],
    meaning: 'choo does not know the key, or not at this place.',
    cure: 'Correct its name or move it, as the hint says. [Every key](configuration.md#every-key) is listed.',
    example: '`paralelism` is not a key choo knows',
  },
  'config-legacy-key': {
    levels: ['notice'],
    meaning: 'The key belongs to an older choo and has no effect.',
    cure: 'Remove it; the hint says what replaces it.',
  },
  'limit-clamped': {
    levels: ['notice'],
    meaning:
      'The configuration asks for more than the operator of the server allows; the smaller limit holds.',
    cure: 'Lower the limit, or ask the operator to raise the variable that the hint names.',
  },
} as const satisfies CodeArea;

/** Gates that mean less than they seem to, found by reading them; errors with `strict_gates: true`. */
export const GATE_CODES = {
  'may-change-pattern': {
    levels: ['error'],
    meaning: '`may_change` of a task holds a pattern that cannot be read.',
    cure: 'Write paths or globs from the project directory. See [Protected paths](protection.md).',
  },
  'gate-cannot-fail': {
    levels: ['error', 'warning'],
    meaning: 'The gate passes whatever the work is like.',
    cure: 'Let its status be that of the tests: no `|| true`, no `; exit 0`, no `&`, and `set -o pipefail;` before a pipe. See [Gates](gates.md).',
    example: 'the gate cannot fail: `||` goes on with a command that succeeds',
  },
  'gate-loses-failure': {
    levels: ['error', 'warning'],
    meaning: 'The gate can pass although a test or a linter in it fails.',
    cure: 'Join the commands by `&&`, and begin with `set -o pipefail;` where there is a pipe.',
    example: 'the gate can pass although this fails: only the last of several commands counts',
  },
  'gate-without-tests': {
    levels: ['error', 'warning'],
    meaning: 'The gate passes where no test runs, or only lists or builds tests.',
    cure: 'Remove the option that the message shows.',
    example: 'the gate passes where there are no tests',
  },
  'gate-watches': {
    levels: ['error', 'warning'],
    meaning: 'The gate does not end by itself, so that only its time limit ends it.',
    cure: 'Name the command that runs once, such as `vitest run`.',
  },
  'gate-network': {
    levels: ['error', 'warning'],
    meaning: 'The gate needs a network, and gates have none.',
    cure: 'Move downloads to `worktree.setup` in `.choo.yml`.',
  },
  'gate-syntax': {
    levels: ['error', 'warning'],
    meaning: 'A shell cannot read the gate to its end: a quote or a bracket is open.',
    cure: 'Correct it; `bash -n` finds the place.',
  },
} as const satisfies CodeArea;

/** Problems of the choice of a provider, and of tasks that it cannot do. */
export const PROVIDER_CODES = {
  'provider-unknown': {
    levels: ['error'],
    meaning: 'choo has no provider of this name.',
    cure: 'Correct the name where the message points: in the plan of the unit, in `.choo.yml`, or in the request.',
  },
  'provider-forbidden': {
    levels: ['error'],
    meaning: 'The operator does not allow this provider.',
    cure: 'Name one that is allowed, or ask the operator to add it to `CHOO_ALLOWED_PROVIDERS`.',
  },
  'provider-missing': {
    levels: ['error', 'warning'],
    meaning:
      'The program of the provider is not installed on this machine, which a run finds before it starts; or the plan of a server finds that its program or key is missing there.',
    cure: 'Install it or set its key as the hint says, or name another provider.',
    example: 'claude needs `claude`, which is not on the PATH',
  },
  'task-not-assignable': {
    levels: ['error'],
    meaning: 'The provider cannot carry this task out. Found before a run starts.',
    cure: 'Change the task as the hint says, or name another provider. `rehearsal` needs exactly one block marked `sh rehearsal` or `diff rehearsal`.',
  },
} as const satisfies CodeArea;

/** Problems of the repository that prevent choo from writing results, or a gate from seeing its files. */
export const REPOSITORY_CODES = {
  'repository-too-large': {
    levels: ['error'],
    meaning: 'The commit has more than 200,000 files and directories, or more than 4 GiB of files.',
    cure: 'Remove what no unit needs, or move it to a repository of its own.',
    example: 'it has 299593 files and directories; choo checks out 200000 at most',
  },
  'submodules-missing': {
    levels: ['warning'],
    meaning:
      'The repository has submodules, and the configuration does not ask for them: agents and gates find empty directories.',
    cure: 'Set `checkout: { submodules: true }`; see [Submodules](setup.md#submodules). Or write gates that do without.',
  },
  'lfs-missing': {
    levels: ['warning'],
    meaning:
      'The repository has files in Git LFS, and the configuration does not ask for them: agents and gates find their pointers.',
    cure: 'Set `checkout: { lfs: true }`; see [Git LFS](setup.md#git-lfs). Or write gates that do without.',
  },
  'workflow-secrets': {
    levels: ['warning'],
    meaning:
      "A workflow of GitHub Actions has secrets and runs on pushes to choo's branches, whose code no person has read.",
    cure: "Leave these branches out with `branches-ignore: ['choo/**']`, or keep the secrets in an environment that asks a reviewer. See [What choo's branches can set off](branches.md).",
  },
  'branch-in-the-way': {
    levels: ['error'],
    meaning:
      'An existing branch prevents the branches of the plan: git cannot hold `choo` beside `choo/unit/…`.',
    cure: 'Rename the branch: `git branch -m <old> <new>`.',
  },
  'branch-checked-out': {
    levels: ['error'],
    meaning: 'The branch of a unit is checked out in a worktree, and choo has to move it.',
    cure: 'Switch to another branch there: `git switch -`.',
  },
  'status-not-writable': {
    levels: ['error'],
    meaning:
      'choo could not write the status of the unit or task into its front matter. Found before a run starts.',
    cure: 'Write the field that the message names as one plain `name: value` line.',
  },
} as const satisfies CodeArea;
