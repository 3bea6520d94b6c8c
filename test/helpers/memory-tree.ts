import { createHash } from 'node:crypto';
import type { SpecTree, TreeEntry, Unlisted } from '../../src/discovery/tree.ts';

/** What stands at a path of a {@link memoryTree}. A string is a file's text. */
export type TreeValue = string | Uint8Array | { readonly symlink: true } | { readonly unreadable: true };

/** A spec tree made of a value: paths from its base, and what stands there. */
export function memoryTree(files: Readonly<Record<string, TreeValue>>): SpecTree {
  const directories = new Map<string, Map<string, TreeEntry>>([['', new Map()]]);
  for (const [path, value] of Object.entries(files)) {
    const parts = path.split('/');
    for (let depth = 1; depth < parts.length; depth += 1) addDirectory(directories, parts.slice(0, depth));
    add(directories, parts, entryOf(path, value));
  }
  return {
    label: 'memory',
    list: async (wanted) =>
      wanted.map((directory): readonly TreeEntry[] | Unlisted => {
        const entries = directories.get(directory);
        return entries === undefined
          ? 'missing'
          : [...entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
      }),
    read: async (wanted) =>
      wanted.map(({ path }) => {
        const value = files[path];
        return typeof value === 'string'
          ? Buffer.from(value)
          : value instanceof Uint8Array
            ? value
            : undefined;
      }),
  };
}

function addDirectory(directories: Map<string, Map<string, TreeEntry>>, parts: readonly string[]): void {
  const path = parts.join('/');
  if (directories.has(path)) return;
  directories.set(path, new Map());
  add(directories, parts, { name: parts.at(-1) ?? '', path, kind: 'directory', size: 0, version: undefined });
}

function add(
  directories: Map<string, Map<string, TreeEntry>>,
  parts: readonly string[],
  entry: TreeEntry,
): void {
  directories.get(parts.slice(0, -1).join('/'))?.set(entry.name, entry);
}

function entryOf(path: string, value: TreeValue): TreeEntry {
  const bytes =
    typeof value === 'string' ? Buffer.from(value) : value instanceof Uint8Array ? value : undefined;
  return {
    name: path.slice(path.lastIndexOf('/') + 1),
    path,
    kind: typeof value === 'object' && 'symlink' in value ? 'symlink' : 'file',
    size: bytes?.byteLength ?? 0,
    version: createHash('sha256')
      .update(bytes ?? '')
      .digest('hex'),
  };
}

/** The text of a task file; `fields` come before the defaults, and undefined leaves one out. */
export function taskText(
  fields: Readonly<Record<string, string | undefined>> = {},
  body = '# A task\n',
): string {
  const all = { task: '1', status: 'pending', backpressure: 'npm test', depends_on: '[]', ...fields };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  );
  return `---\n${lines.join('\n')}\n---\n\n${body}`;
}

/** The text of a unit's plan. */
export function planText(
  fields: Readonly<Record<string, string>> = { depends_on: '[]' },
  body = '# A unit\n',
): string {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
  return `---\n${lines.join('\n')}\n---\n\n${body}`;
}
