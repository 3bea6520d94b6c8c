import { lstatSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ImportAction, ImportRules, PresentFile } from '../../discovery/import/decide-import.ts';
import type { WantedFile } from '../../discovery/import/imported-files.ts';
import { type Marked, unmark } from '../../discovery/import/marker.ts';
import type { SpecTree, TreeEntry } from '../../discovery/tree.ts';
import { ChooError } from '../../errors.ts';
import { openGit } from '../../git/git.ts';

/** A larger file is nobody's spec. Bytes. */
const MAX_BYTES = 1024 * 1024;

/** The Markdown files of the units below a directory of specs. Throws a ChooError (`conflict`) where it is no directory. */
export async function readPresent(tree: SpecTree, specsDir: string): Promise<readonly PresentFile[]> {
  const [top = 'missing'] = await tree.list([specsDir]);
  if (top === 'missing') return [];
  if (typeof top === 'string')
    throw new ChooError('conflict', `cannot write specs to \`${specsDir}\`: it cannot be listed (${top})`);
  const link = top.find(({ kind }) => kind === 'symlink');
  if (link !== undefined)
    throw new ChooError('conflict', `\`${link.path}\` is a symbolic link, which choo does not follow`, {
      hint: 'put the directory itself there',
    });
  const directories = top.filter(({ kind }) => kind === 'directory');
  const listings = await tree.list(directories.map(({ path }) => path));
  const files = listings.flatMap((listing) => (typeof listing === 'string' ? [] : listing));
  const wanted = files.filter(({ name }) => name.endsWith('.md'));
  const contents = await tree.read(wanted.map((file) => (isFit(file) ? file : { ...file, path: '' })));
  return wanted.map(({ path, name }, index) => {
    const content = Buffer.from(contents[index] ?? []).toString('utf8');
    const unit = path.slice(specsDir.length + 1, -name.length - 1);
    return { unit, name, content, marked: unmark(content) };
  });
}

function isFit({ kind, size }: TreeEntry): boolean {
  return kind === 'file' && size <= MAX_BYTES;
}

/** How an import makes again what it wrote earlier, and merges texts. `readAt`: what it would write of another tree. */
export function openImport(
  {
    directory,
    tree,
    searchPath,
  }: { readonly directory: string; readonly tree: SpecTree; readonly searchPath: string },
  readAt: (tree: SpecTree) => Promise<readonly WantedFile[]>,
): Pick<ImportRules, 'baseOf' | 'mergeText'> {
  const git = openGit(directory, searchPath);
  const readings = new Map<string, Promise<readonly WantedFile[]>>();
  const read = async (from: string, blob: string): Promise<readonly WantedFile[]> => {
    const found = await git.ask('cat-file', 'blob', blob).catch(() => undefined);
    return found?.yes === true ? readAt(replaceFile(tree, from, Buffer.from(found.stdout))) : [];
  };
  return {
    baseOf: async ({ marker: { from, blob, of } }: Marked) => {
      const name = `${blob} ${from}`;
      const reading = readings.get(name) ?? read(from, blob);
      readings.set(name, reading);
      return (await reading).find(({ marker }) => marker.of === of)?.text;
    },
    mergeText: async ({ base, mine, theirs }) => {
      const place = mkdtempSync(join(tmpdir(), 'choo-merge-'));
      try {
        const paths = [mine, base, theirs].map((text, index) => {
          const path = join(place, String(index));
          writeFileSync(path, text);
          return path;
        });
        const merged = await git.ask('merge-file', '-p', ...paths).catch((error: unknown) => {
          if (error instanceof ChooError) return undefined; // several conflicts
          throw error;
        });
        return merged?.yes === true ? merged.stdout : undefined;
      } finally {
        rmSync(place, { recursive: true, force: true });
      }
    },
  };
}

/** A tree in which one file has other content. */
function replaceFile(tree: SpecTree, path: string, content: Uint8Array): SpecTree {
  const withSize = (entry: TreeEntry): TreeEntry =>
    entry.path === path ? { ...entry, size: content.byteLength } : entry;
  return {
    label: tree.label,
    list: async (directories) =>
      (await tree.list(directories)).map((listing) =>
        typeof listing === 'string' ? listing : listing.map(withSize),
      ),
    read: async (files) => {
      const contents = await tree.read(files);
      return files.map((file, index) => (file.path === path ? content : contents[index]));
    },
  };
}

/** Carries an import out. What moves is removed first; directories that become empty go. */
export function applyActions(actions: readonly ImportAction[], directory: string, specsDir: string): void {
  const root = join(directory, specsDir);
  const writes = actions.filter(({ content }) => content !== undefined);
  const gone = actions.flatMap(({ kind, path, movesFrom, content }) =>
    kind === 'delete' ? [path] : movesFrom !== undefined && content !== undefined ? [movesFrom] : [],
  );
  for (const path of gone) unlinkSync(join(root, path));
  for (const { path, content = '' } of writes) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    const there = lstatSync(file, { throwIfNoEntry: false });
    if (there !== undefined && !there.isFile())
      throw new ChooError('conflict', `\`${file}\` is not a regular file`, { hint: 'remove it first' });
    writeFileSync(file, content);
  }
  for (const unit of new Set(gone.map((path) => dirname(path)))) {
    try {
      rmdirSync(join(root, unit));
    } catch {
      // it holds something else
    }
  }
}
