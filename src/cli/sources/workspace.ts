import { existsSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { CONFIG_FILES, DEFAULT_CONFIG } from '../../config/schema.ts';
import { ChooError } from '../../errors.ts';
import type { Problem } from '../../problems/problem.ts';

/**
 * The project directory a command works on: the one that was named, or the nearest at or above the current one that has a
 * configuration, a spec tree or task lists of another tool, looking no further than its repository. Throws a ChooError (`usage`) for a bad name.
 */
export function findProjectDirectory(named: string | undefined, cwd: string): string {
  if (named === undefined) return searchUpwards(cwd) ?? cwd;
  const directory = resolve(cwd, named);
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ChooError('usage', `\`${named}\` is not a directory`, {
      hint: 'name the directory that holds `.choo.yml` or `specs/tasks`',
    });
  }
  return directory;
}

/** What makes a directory a project, also where only another tool keeps task lists in it. */
const MARKS = [...CONFIG_FILES, DEFAULT_CONFIG.specs_dir, 'openspec/changes', '.specify', '.kiro/specs'];

function searchUpwards(start: string): string | undefined {
  for (let directory = start; ; directory = dirname(directory)) {
    if (MARKS.some((mark) => existsSync(join(directory, mark)))) return directory;
    if (existsSync(join(directory, '.git')) || directory === dirname(directory)) return undefined;
  }
}

/** The same problem with its path as seen from the current directory, so that a terminal or an editor can follow it. */
export function seenFrom(cwd: string, project: string): (problem: Problem) => Problem {
  const prefix = relative(cwd, project);
  return (problem) =>
    prefix === '' || problem.file.startsWith('refs/')
      ? problem
      : { ...problem, file: join(prefix, problem.file) };
}
