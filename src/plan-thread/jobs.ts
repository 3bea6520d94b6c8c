import type { Config } from '../config/schema.ts';
import { DEFAULT_CONFIG } from '../config/schema.ts';
import type { SpecFile, Unit } from '../discovery/unit.ts';
import { openGit } from '../git/git.ts';
import { ObjectReader } from '../git/objects/object-reader.ts';
import { KeptProjects } from './kept-projects.ts';
import { type PlannedCommit, planCommit, type PlanQuestion } from './plan-commit.ts';
import { configurationAt, type Policy, readPolicy } from './policy.ts';
import { type ChangesQuestion, findSpecChanges, type SpecChanges } from './spec-changes.ts';
import { prepareSubmission, type Submission, type SubmissionQuestion } from './submission.ts';

/** choo's copy of a repository, and the PATH on which git is found. */
export interface JobPlace {
  readonly directory: string;
  readonly searchPath: string;
}

/** A commit, and the directory of it that the project stands in: empty, or without a slash at its end. */
interface ProjectAt {
  readonly commit: string;
  readonly directory: string;
}

/** All that is done with what a repository holds before a worker works on it. */
export interface Jobs {
  /** The configuration that holds. */
  readPolicy: { question: Parameters<typeof readPolicy>[1]; answer: Policy };
  /** What one commit changes of another. */
  findChanges: { question: ChangesQuestion; answer: SpecChanges };
  /** A commit's plan, as it is shown. */
  plan: { question: PlanQuestion; answer: PlannedCommit };
  /** The start of a run. */
  prepare: { question: SubmissionQuestion; answer: Submission };
  /** The configuration of a commit; where it is broken, the default. */
  readConfig: { question: ProjectAt; answer: Config };
  /** One unit of a commit, without the fields of its files: where they are edited, they are read again. */
  readUnit: { question: ProjectAt & { readonly id: string }; answer: Unit | undefined };
}

export type JobName = keyof Jobs;

/** What is asked of a job, and of which repository. */
export interface JobInput<N extends JobName> {
  readonly place: JobPlace;
  readonly question: Jobs[N]['question'];
}

/** The jobs, with what is kept in mind from one to the next. All of them may throw a ChooError (`usage`, `git`). */
export function createJobs(): {
  readonly [N in JobName]: (input: JobInput<N>) => Promise<Jobs[N]['answer']>;
} {
  const projects = new KeptProjects();
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

/** A job on the objects of its repository, which is named by its directory. */
function withReader<Q, A>(
  job: (reader: ObjectReader, question: Q, repository: string) => Promise<A>,
): (input: { readonly place: JobPlace; readonly question: Q }) => Promise<A> {
  return async ({ place: { directory, searchPath }, question }) => {
    await using reader = new ObjectReader(openGit(directory, searchPath, { gitDirectory: directory }));
    return await job(reader, question, directory); // before the reader goes
  };
}

/** A unit may have two hundred thousand fields, and all of them would be copied from one thread to the other. */
function withoutFields(unit: Unit): Unit {
  const tasks = unit.tasks.map((task) => ({ ...task, file: bare(task.file) }));
  return { ...unit, plan: bare(unit.plan), tasks };
}

function bare(file: SpecFile): SpecFile {
  return { ...file, frontMatter: { ...file.frontMatter, fields: new Map() } };
}
