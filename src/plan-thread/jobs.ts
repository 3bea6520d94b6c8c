import type { Config } from '../config/schema.ts';
import { DEFAULT_CONFIG } from '../config/schema.ts';
import type { SpecFile, Unit } from '../discovery/unit.ts';
import { openGit } from '../git/git.ts';
import { ObjectReader } from '../git/objects/object-reader.ts';
import { ProjectCache } from './project-cache.ts';
import { type PlannedCommit, planCommit, type PlanCommitInput } from './plan-commit.ts';
import { configurationAt, type EffectiveConfig, readPolicy } from './effective-config.ts';
import { type SpecChangesInput, findSpecChanges, type SpecChanges } from './spec-changes.ts';
import { prepareSubmission, type Submission, type SubmissionInput } from './prepare-submission.ts';

/** choo's copy of a repository, and the PATH on which git is found. */
export interface JobRepository {
  readonly directory: string;
  readonly searchPath: string;
}

/** A commit and the directory of the project in it: empty, or without a slash at its end. */
interface ProjectAt {
  readonly commit: string;
  readonly directory: string;
}

/** Everything done with a repository's content before a worker works on it. */
export interface Jobs {
  /** The configuration in force. */
  readPolicy: { argument: Parameters<typeof readPolicy>[1]; result: EffectiveConfig };
  /** The changes between two commits. */
  findChanges: { argument: SpecChangesInput; result: SpecChanges };
  /** A commit's plan, as GitHub shows it. */
  plan: { argument: PlanCommitInput; result: PlannedCommit };
  /** The start of a run. */
  prepare: { argument: SubmissionInput; result: Submission };
  /** The configuration of a commit; the default when it is broken. */
  readConfig: { argument: ProjectAt; result: Config };
  /** One unit of a commit, without the fields of its files, which are read again where they are edited. */
  readUnit: { argument: ProjectAt & { readonly id: string }; result: Unit | undefined };
}

export type JobName = keyof Jobs;

/** The input of a job, and its repository. */
export interface JobInput<N extends JobName> {
  readonly remote: JobRepository;
  readonly argument: Jobs[N]['argument'];
}

/** Creates the jobs, which share a cache. All of them may throw a ChooError (`usage`, `git`). */
export function createJobs(): {
  readonly [N in JobName]: (input: JobInput<N>) => Promise<Jobs[N]['result']>;
} {
  const projects = new ProjectCache();
  return {
    readPolicy: withReader(readPolicy),
    findChanges: withReader(findSpecChanges),
    plan: withReader(async (reader, argument, repository) =>
      planCommit(
        await projects.read(reader, { repository, commit: argument.commit, directory: '' }),
        argument,
      ),
    ),
    prepare: withReader(async (reader, argument, repository) => {
      const project = await projects.read(reader, { repository, commit: argument.commit, directory: '' });
      return prepareSubmission(project, await configurationAt(reader, argument.configCommit), argument);
    }),
    readConfig: withReader(
      async (reader, { commit, directory }) =>
        (await configurationAt(reader, commit, directory)).config ?? DEFAULT_CONFIG,
    ),
    readUnit: withReader(async (reader, { id, commit, directory }, repository) => {
      const { discovery } = await projects.read(reader, { repository, commit, directory });
      const unit = discovery.units.find((each) => each.id === id);
      return unit && withoutFields(unit);
    }),
  };
}

/** Opens an object reader for a job. Passes the directory as the repository's name. */
function withReader<Argument, Result>(
  job: (reader: ObjectReader, argument: Argument, repository: string) => Promise<Result>,
): (input: { readonly remote: JobRepository; readonly argument: Argument }) => Promise<Result> {
  return async ({ remote: { directory, searchPath }, argument }) => {
    await using reader = new ObjectReader(openGit(directory, searchPath, { gitDirectory: directory }));
    return await job(reader, argument, directory); // before the reader is disposed of
  };
}

/** Drops the fields: a unit may have 200,000, and all of them would be copied between threads. */
function withoutFields(unit: Unit): Unit {
  const tasks = unit.tasks.map((task) => ({ ...task, file: dropFields(task.file) }));
  return { ...unit, plan: dropFields(unit.plan), tasks };
}

function dropFields(file: SpecFile): SpecFile {
  return { ...file, frontMatter: { ...file.frontMatter, fields: new Map() } };
}
