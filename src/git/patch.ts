import { ChooError } from '../errors.ts';
import type { ChangeEnds } from './same-change.ts';
import type { Repository } from './repository.ts';

/** Settings and attributes of a repository decide nothing, and start nothing. */
const OPTIONS = (
  '-r -p --no-renames --no-color --full-index --no-ext-diff --no-textconv --no-relative ' +
  '--src-prefix=a/ --dst-prefix=b/'
).split(' ');

/**
 * What a change does, as a patch for people and agents to read: of these files, or of all. Cut at `length` (UTF-16 code units),
 * which is then said in its last line.
 */
export async function readPatch(
  { git }: Pick<Repository, 'git'>,
  { from, to }: ChangeEnds,
  { files, length }: { readonly files?: readonly string[]; readonly length: number },
): Promise<string> {
  await using diff = await git.start('diff-tree', ...OPTIONS, from, to, '--', ...(files ?? []));
  diff.stdout.setEncoding('utf8');
  let patch = '';
  for await (const chunk of diff.stdout) {
    patch += String(chunk);
    if (patch.length > length) return `${patch.slice(0, length)}\n[the rest of the patch is left out]\n`;
  }
  const { exitCode, stderr } = await diff.ended;
  if (exitCode !== 0) throw new ChooError('git', `git diff-tree failed: ${stderr}`);
  return patch;
}

/** How many lines a change adds to a file and removes from it; null: it is no text. */
interface LineCounts {
  readonly added: number | null;
  readonly removed: number | null;
}

const COUNTING = '-r -z --numstat --no-renames --no-ext-diff --no-textconv --no-relative'.split(' ');

/** Counts the lines that a change adds and removes, by path, for these files. */
export async function readLineCounts(
  { git }: Pick<Repository, 'git'>,
  { from, to }: ChangeEnds,
  files: readonly string[],
): Promise<ReadonlyMap<string, LineCounts>> {
  if (files.length === 0) return new Map();
  const output = await git.run('diff-tree', ...COUNTING, from, to, '--', ...files);
  return new Map(
    output
      .split('\0')
      .slice(0, -1)
      .map((line) => {
        const [added, removed, ...path] = line.split('\t');
        return [path.join('\t'), { added: lineCount(added), removed: lineCount(removed) }];
      }),
  );
}

function lineCount(text: string | undefined): number | null {
  return text === undefined || !/^\d+$/.test(text) ? null : Number(text);
}
