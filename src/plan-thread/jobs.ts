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
  readPolicy: { question: Parameters<typeof readPolicy>[1]; answer: EffectiveConfig };
  /** The changes between two commits. */
  findChanges: { question: SpecChangesInput; answer: SpecChanges };
  /** A commit's plan, as GitHub shows it. */
  plan: { question: PlanCommitInput; answer: PlannedCommit };
  /** The start of a run. */
  prepare: { question: SubmissionInput; answer: Submission };
  /** The configuration of a commit; the default when it is broken. */
  readConfig: { question: ProjectAt; answer: Config };
  /** One unit of a commit, without the fields of its files, which are read again where they are edited. */
  readUnit: { question: ProjectAt & { readonly id: string }; answer: Unit | undefined };
}

export type JobName = keyof Jobs;

/** The input of a job, and its repository. */
export interface JobInput<N extends JobName> {
  readonly remote: JobRepository;
  readonly question: Jobs[N]['question'];
}

/** Creates the jobs, which share a cache. All of them may throw a ChooError (`usage`, `git`). */
export function createJobs(): {
  readonly [N in JobName]: (input: JobInput<N>) => Promise<Jobs[N]['answer']>;
} {
  const projects = new ProjectCache();
  return {
    readPolicy: withReader(readPolicy),
    findChanges: withReader(findSpecChanges),
    plan: withReader(async (reader, question, repository) =>
      planCommit(
        await projects.read(reader, { repository, commit: question.commit, directory: '' }),
        question,
      ),
    ),
    prepare: withReader(async (reader, question, repository) => {
      const project = await projects.read(reader, { repository, commit: question.commit, directory: '' });
      return prepareSubmission(project, await configurationAt(reader, question.configCommit), question);
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
function withReader<Q, A>(
  job: (reader: ObjectReader, question: Q, repository: string) => Promise<A>,
): (input: { readonly remote: JobRepository; readonly question: Q }) => Promise<A> {
  return async ({ remote: { directory, searchPath }, question }) => {
    await using reader = new ObjectReader(openGit(directory, searchPath, { gitDirectory: directory }));
    return await job(reader, question, directory); // before the reader is disposed of
  };
}

/** Drops the fields: a unit may have 200,000, and all of them would be copied between threads. */
function withoutFields(unit: Unit): Unit {
  const tasks = unit.tasks.map((task) => ({ ...task, file: bare(task.file) }));
  return { ...unit, plan: bare(unit.plan), tasks };
}

function bare(file: SpecFile): SpecFile {
  return { ...file, frontMatter: { ...file.frontMatter, fields: new Map() } };
}
