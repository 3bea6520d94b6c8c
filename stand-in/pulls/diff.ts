import { git } from '../git.ts';
import type { Json } from '../world.ts';

/** The changed files between two commits, as GitHub lists them. */
export async function changedFiles(bare: string, from: string, to: string): Promise<Json[]> {
  const listed = await git(bare, ['diff', '--raw', '--numstat', '-M', '-z', '--no-abbrev', from, to]);
  const fields = listed.split('\0');
  const statuses: { status: string; sha: string; path: string; previous: string | undefined }[] = [];
  const counts: { additions: number; deletions: number }[] = [];
  for (let at = 0; at < fields.length && fields[at] !== ''; at += 1) {
    const field = fields[at] ?? '';
    if (field.startsWith(':')) {
      const [, , before = '', after = '', letter = ''] = field.split(' ');
      const renamed = letter.startsWith('R');
      statuses.push({
        status: STATUSES[letter[0] ?? ''] ?? 'changed',
        sha: letter === 'D' ? before : after,
        path: fields[at + (renamed ? 2 : 1)] ?? '',
        previous: renamed ? fields[at + 1] : undefined,
      });
      at += renamed ? 2 : 1;
    } else {
      const [added = '', deleted = '', path] = field.split('\t');
      counts.push({ additions: Number(added) || 0, deletions: Number(deleted) || 0 });
      if (path === '') at += 2;
    }
  }
  const patches = (await git(bare, ['diff', '-M', from, to])).split(/^diff --git .*$/m).slice(1);
  return statuses.map(({ status, sha, path, previous }, index) => {
    const { additions = 0, deletions = 0 } = counts[index] ?? {};
    const patch = patches[index]?.match(/^@@[\s\S]*/m)?.[0].trimEnd();
    return {
      sha,
      filename: path,
      status,
      additions,
      deletions,
      changes: additions + deletions,
      ...(patch !== undefined && { patch }),
      ...(previous !== undefined && { previous_filename: previous }),
    };
  });
}

const STATUSES: Readonly<Record<string, string>> = {
  A: 'added',
  M: 'modified',
  D: 'removed',
  R: 'renamed',
  T: 'changed',
};
