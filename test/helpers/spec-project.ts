import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { commitFiles, git } from './git-repository.ts';
import { planText, taskText } from './memory-tree.ts';
import { NODE_COMPILE_CACHE, type Outcome, runChoo } from './run-choo.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** A task, as a test thinks of it. */
interface TaskSpec {
  /** YAML of the gate, quotes included where it needs them. */
  readonly gate: string;
  /** What the rehearsal provider does; without it there is no block. */
  readonly sh?: string;
  readonly status?: string;
  readonly mayChange?: readonly string[];
  /** Default: the task before it. */
  readonly dependsOn?: readonly number[];
}

export interface UnitSpec {
  readonly dependsOn?: readonly string[];
  readonly provider?: string;
  /** What the rehearsal provider does for the whole unit: repairs, and the work of updates. */
  readonly sh?: string;
  readonly tasks: readonly TaskSpec[];
}

export interface ProjectSpec {
  readonly units: Readonly<Record<string, UnitSpec>>;
  /** Lines of `.choo.yml` below `provider`. */
  readonly config?: string;
  readonly files?: Readonly<Record<string, string>>;
  /** The project directory inside the repository; empty, or with a slash at its end. */
  readonly directory?: string;
}

/** A repository with specs, and the data directory of its runs. Gone when the test ends. */
export interface SpecProject extends AsyncDisposable {
  /** The root of the repository. */
  readonly path: string;
  readonly dataDirectory: string;
  /** The variables that runs get. */
  readonly environment: Readonly<Record<string, string>>;
  /** `choo run --json`, with what it printed read back. */
  run(...args: string[]): Promise<RunOutcome>;
  choo(...args: string[]): Promise<Outcome>;
  git(...args: string[]): Promise<string>;
}

export interface RunOutcome extends Outcome {
  readonly events: readonly Readonly<Record<string, unknown>>[];
}

/** The files of a project whose tasks are carried out by the rehearsal provider. */
export function projectFiles({
  units,
  config = '',
  files = {},
  directory = '',
}: ProjectSpec): Record<string, string> {
  const all: Record<string, string> = {
    [`${directory}.choo.yml`]: `provider:\n  type: rehearsal\n${config}`,
    ...files,
  };
  const blockOf = (sh: string | undefined): string =>
    sh === undefined ? '' : `\n\`\`\`sh rehearsal\n${sh}\n\`\`\`\n`;
  for (const [id, { dependsOn = [], provider, sh, tasks }] of Object.entries(units)) {
    const place = `${directory}specs/tasks/${id}`;
    all[`${place}/IMPLEMENTATION_PLAN.md`] = planText(
      {
        depends_on: `[${dependsOn.join(', ')}]`,
        ...(provider === undefined ? {} : { provider }),
      },
      `# A unit\n${blockOf(sh)}`,
    );
    for (const [index, task] of tasks.entries()) {
      const number = index + 1;
      const before = task.dependsOn ?? (index === 0 ? [] : [index]);
      all[`${place}/${String(number).padStart(2, '0')}-step.md`] = taskText(
        {
          task: String(number),
          status: task.status ?? 'pending',
          backpressure: task.gate,
          ...(task.mayChange === undefined ? {} : { may_change: JSON.stringify(task.mayChange) }),
          depends_on: `[${before.join(', ')}]`,
        },
        `# Step ${number} of ${id}\n${blockOf(task.sh)}`,
      );
    }
  }
  return all;
}

/** Makes the repository of a project, committed on `main`. `sandbox` is what its runs use. */
export async function makeProject(
  spec: ProjectSpec,
  { sandbox = 'host' }: { readonly sandbox?: 'host' | 'bubblewrap' } = {},
): Promise<SpecProject> {
  const place = await temporaryDirectory();
  const path = join(place.path, 'project');
  const dataDirectory = join(place.path, 'data');
  await mkdir(path);
  await commitFiles(path, projectFiles(spec));
  const environment = { CHOO_DATA_DIR: dataDirectory, NODE_COMPILE_CACHE };
  const cwd = join(path, dirname(`${spec.directory ?? ''}x`));
  return {
    path,
    dataDirectory,
    environment,
    choo: async (...args) => runChoo(cwd, args, environment),
    run: async (...args) => {
      const outcome = await runChoo(cwd, ['run', '--json', '--sandbox', sandbox, ...args], environment);
      const events = outcome.stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
      return { ...outcome, events };
    },
    git: async (...args) => git(path, ...args),
    [Symbol.asyncDispose]: async () => place[Symbol.asyncDispose](),
  };
}

/** The one branch that holds all complete units of a run. */
export async function resultBranch(project: SpecProject): Promise<string> {
  return (await project.git('for-each-ref', '--format=%(refname:short)', 'refs/heads/choo/run')).trim();
}

/** Subjects of the commits of a branch that are not on `main`, oldest first. */
export async function story(project: SpecProject, branch: string): Promise<readonly string[]> {
  const log = await project.git('log', '--reverse', '--format=%s', `main..${branch}`);
  return log === '' ? [] : log.split('\n');
}

/** The text of a file on a branch; undefined: there is none. */
export async function fileOn(
  project: SpecProject,
  branch: string,
  path: string,
): Promise<string | undefined> {
  return project.git('show', `${branch}:${path}`).catch(() => undefined);
}
