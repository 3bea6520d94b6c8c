import type { BoxPlace } from './formats/boxes.ts';
import type { FormatName } from './formats/formats.ts';
import type { FrontMatter } from './front-matter.ts';

/** The values of a task's `status`. Absent means pending; `in_progress` was left by a killed run, and the task starts again. */
export const TASK_STATUSES = ['pending', 'in_progress', 'complete', 'failed'] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** The values of a unit's `orch_status`. Absent means inferred from its tasks. */
export const UNIT_STATUSES = [...TASK_STATUSES, 'blocked'] as const;
export type UnitStatus = (typeof UNIT_STATUSES)[number];

/** Statuses that older tools wrote for an unfinished unit; all read as `in_progress`. */
export const LEGACY_UNIT_STATUSES = ['pr_open', 'in_review', 'merging'] as const;

/** One Markdown file of the spec tree, exactly as found. */
export interface SpecFile {
  /** Path from the tree's base, with forward slashes. */
  readonly path: string;
  /** The name that it has in its unit's directory, where it is only a part of the file at its path; undefined: that of the path. */
  readonly name?: string;
  /** All bytes of the file, checked to be valid UTF-8. */
  readonly content: Uint8Array;
  readonly frontMatter: FrontMatter;
}

/** One piece of work for an agent, with the gate that decides whether it is complete. */
export interface Task {
  /** From 1, unique in its unit. */
  readonly number: number;
  readonly title: string;
  readonly status: TaskStatus;
  /** The backpressure command, for `bash -c`; never blank. */
  readonly gate: string;
  /** Numbers of tasks in the same unit, ascending. */
  readonly dependsOn: readonly number[];
  /** Globs of files that judge or build and that it may change all the same, from the project directory; unchecked. */
  readonly mayChange: readonly string[];
  readonly file: SpecFile;
  /** In a task list of another tool: the boxes to tick when it is complete. */
  readonly boxes?: readonly BoxPlace[];
  /** Its number in such a list, or its title where it has none; undefined: in choo's own format. */
  readonly label?: string;
}

/** The `orch_` fields that an earlier run wrote into a unit's plan. */
export interface RecordedRun {
  readonly branch?: string;
  readonly worktree?: string;
  readonly prNumber?: number;
  /** RFC 3339. */
  readonly startedAt?: string;
  /** RFC 3339. */
  readonly completedAt?: string;
}

/** A unit that can run: it satisfies every rule about its files and its dependencies. */
export interface Unit {
  /** The name of its directory, checked against {@link isUnitId}. */
  readonly id: string;
  /** Path of its directory from the tree's base. */
  readonly directory: string;
  readonly title: string;
  /** Ids of other units, in the order written, each once. */
  readonly dependsOn: readonly string[];
  /** The provider named in its front matter, unchecked; undefined inherits. */
  readonly provider: string | undefined;
  /** Declared, or inferred from the tasks. Only {@link isComplete} decides whether work is left. */
  /** Paths from the project directory that its agents are told to read. */
  readonly context: readonly string[];
  readonly status: UnitStatus;
  readonly recorded: RecordedRun;
  /** By number; never empty. */
  readonly tasks: readonly Task[];
  readonly plan: SpecFile;
  /** The task list of another tool that it is read from, with the boxes to tick with its last task; undefined: choo's own format. */
  readonly source?: { readonly from: FormatName; readonly boxes: readonly BoxPlace[] };
}

/** Whether every task of a unit is complete; ignores `orch_status`. */
export function isComplete(unit: Pick<Unit, 'tasks'>): boolean {
  return unit.tasks.every((task) => task.status === 'complete');
}

/** The status of a unit without `orch_status`. */
export function inferStatus(tasks: readonly { readonly status: TaskStatus }[]): UnitStatus {
  if (tasks.some((task) => task.status === 'failed')) return 'failed';
  if (tasks.every((task) => task.status === 'complete')) return 'complete';
  return tasks.some((task) => task.status !== 'pending') ? 'in_progress' : 'pending';
}

/**
 * Whether a directory's name is valid as a unit's id and in a branch name: at most 100 letters, digits, `.`, `_` and `-`,
 * and nothing that git refuses in a ref.
 */
export function isUnitId(name: string): boolean {
  return (
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name) && !name.includes('..') && !/(?:\.lock|\.)$/i.test(name)
  );
}
