import type { SpecTree } from '../discovery/tree.ts';
import type { Problem } from '../problems/problem.ts';

/** Larger files are not looked through. Bytes. */
const MAX_BYTES = 256 * 1024;

/** What a line of each of these files says of files that a worktree of choo's lacks. */
const SIGNS = [
  {
    file: '.gitmodules',
    sign: /^[ \t]*\[submodule\b/,
    code: 'submodules-missing',
    message: 'submodules are not fetched: agents and gates find empty directories',
    hint: 'set `checkout: { submodules: true }` in `.choo.yml`, or write gates that do without',
  },
  {
    file: '.gitattributes',
    sign: /^[^#]*[ \t]filter=lfs(?=\s|$)/,
    code: 'lfs-missing',
    message: 'files of Git LFS are not fetched: agents and gates find pointers',
    hint: 'set `checkout: { lfs: true }` in `.choo.yml`, or write gates that do without',
  },
] as const;

/** Warns of files that are in the repository and that a gate would not find: those of submodules and of Git LFS. */
export async function findAbsentFiles(
  tree: SpecTree,
  { submodules, lfs }: { readonly submodules: boolean; readonly lfs: boolean },
): Promise<readonly Problem[]> {
  const [root] = await tree.list(['']);
  if (root === undefined || typeof root === 'string') return [];
  const isFetched = { 'submodules-missing': submodules, 'lfs-missing': lfs };
  const found = SIGNS.filter(({ code }) => !isFetched[code]).flatMap((each) => {
    const entry = root.find(({ path }) => path === each.file);
    return entry?.kind === 'file' && entry.size <= MAX_BYTES ? [{ ...each, entry }] : [];
  });
  const contents = await tree.read(found.map(({ entry }) => entry));
  return found.flatMap(({ file, sign, code, message, hint }, index): readonly Problem[] => {
    const lines = new TextDecoder().decode(contents[index]).split('\n');
    const line = lines.findIndex((text) => sign.test(text));
    return line < 0 ? [] : [{ severity: 'warning', code, message, file, line: line + 1, column: 1, hint }];
  });
}
