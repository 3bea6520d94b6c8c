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
    message: 'choo does not fetch submodules: agents and gates find empty directories',
  },
  {
    file: '.gitattributes',
    sign: /^[^#]*[ \t]filter=lfs(?=\s|$)/,
    code: 'lfs-missing',
    message: 'choo does not fetch files of Git LFS: agents and gates find pointers',
  },
] as const;

/** Warns of files that are in the repository and that a gate would not find: those of submodules and of Git LFS. */
export async function findAbsentFiles(tree: SpecTree): Promise<readonly Problem[]> {
  const [root] = await tree.list(['']);
  if (root === undefined || typeof root === 'string') return [];
  const found = SIGNS.flatMap((each) => {
    const entry = root.find(({ path }) => path === each.file);
    return entry?.kind === 'file' && entry.size <= MAX_BYTES ? [{ ...each, entry }] : [];
  });
  const contents = await tree.read(found.map(({ entry }) => entry));
  return found.flatMap(({ file, sign, code, message }, index): readonly Problem[] => {
    const lines = new TextDecoder().decode(contents[index]).split('\n');
    const line = lines.findIndex((text) => sign.test(text));
    const hint = 'fetch what a gate needs in `worktree.setup`, or write gates that do without';
    return line < 0 ? [] : [{ severity: 'warning', code, message, file, line: line + 1, column: 1, hint }];
  });
}
