import type { Git } from '../git.ts';
import { unquote } from './tree-format.ts';

/** The paths that a git command prints, a line each: with a character for each byte, since names need not be UTF-8. */
export async function listPaths(git: Git, ...command: readonly string[]): Promise<readonly string[]> {
  const lines = (await git.run(...command)).split('\n').slice(0, -1);
  return lines.map((line) => unquote(line).toString('latin1'));
}
