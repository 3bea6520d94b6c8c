import { ChooError } from '../../errors.ts';
import type { Git } from '../git.ts';
import { isGitName } from '../objects/git-name.ts';
import type { ObjectReader } from '../objects/object-reader.ts';
import { GITLINK } from '../objects/tree-format.ts';
import { diffTrees, treeOf } from '../objects/tree-object.ts';

/** The file that names submodules. */
export const MODULES_FILE = '.gitmodules';
/** git, too, takes no link for it. */
const FILE_MODES = new Set(['100644', '100755']);
/** The most that is read of one. Bytes. */
const MAX_BYTES = 256 * 1024;

/** A submodule of a commit. */
export interface Submodule {
  readonly name: string;
  /** From the root of the commit's tree. */
  readonly path: string;
  readonly commit: string;
  /** As it is written: see {@link moduleAddress}. */
  readonly url: string;
}

/**
 * The submodules of a commit, by path. What they are called and where they are from is read at `namedAt`, which agents do not
 * write. Throws a ChooError (`environment`) for one that is not named there, and for what git refuses to take for a name
 * or a path (CVE-2018-11235, CVE-2018-17456).
 */
export async function listSubmodules(
  { git, reader }: { readonly git: Git; readonly reader: ObjectReader },
  { commit, namedAt }: { readonly commit: string; readonly namedAt: string },
): Promise<readonly Submodule[]> {
  const changes = await diffTrees(reader, undefined, await treeOf(reader, commit));
  const links = changes.flatMap(({ path, after }) =>
    after?.mode === GITLINK ? [{ path, commit: after.id }] : [],
  );
  if (links.length === 0) return [];
  const named = await readNames(git, reader, namedAt);
  return links.map((link) => {
    const found = named.find(({ path }) => path === link.path);
    if (found?.url === undefined)
      throw new ChooError(
        'environment',
        `\`${link.path}\` is a submodule without a place in ${MODULES_FILE}`,
        {
          hint: `commit \`path\` and \`url\` of it, as \`git submodule add\` does, or remove it`,
        },
      );
    const { name, url } = found;
    if (!isSafeName(name) || !isSafeName(link.path))
      throw new ChooError('environment', `the submodule at \`${link.path}\` has a name that git refuses`, {
        hint: `change \`${JSON.stringify(name)}\` in ${MODULES_FILE}: no \`..\`, no \`.git\`, no \`-\` first`,
      });
    return { ...link, name, url };
  });
}

interface Named {
  readonly name: string;
  path?: string;
  url?: string;
}

async function readNames(git: Git, reader: ObjectReader, commit: string): Promise<readonly Named[]> {
  const files = await diffTrees(reader, undefined, await treeOf(reader, commit));
  const file = files.find(({ path }) => path === MODULES_FILE)?.after;
  if (file === undefined || !FILE_MODES.has(file.mode)) return [];
  const [info] = await reader.info([file.id]);
  if (info === undefined || info.size > MAX_BYTES)
    throw new ChooError('environment', `${MODULES_FILE} has more than ${MAX_BYTES} bytes`);
  const named = new Map<string, Named>();
  const listed = await git.run('config', `--blob=${file.id}`, '--no-includes', '--null', '--list');
  for (const entry of listed.split('\0')) {
    const [key = '', ...value] = entry.split('\n');
    const [, name, field] = /^submodule\.(.*)\.(path|url)$/.exec(key) ?? [];
    if (name === undefined || value.length === 0) continue;
    const found = named.get(name) ?? { name };
    found[field === 'path' ? 'path' : 'url'] = value.join('\n');
    named.set(name, found);
  }
  return [...named.values()];
}

function isSafeName(name: string): boolean {
  return (
    !name.startsWith('-') &&
    !/[\p{Cc}\\]/u.test(name) &&
    name.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && !isGitName(part))
  );
}
