import { findProtectionEntries } from '../../config/protection/protection.ts';
import type { JudgeChange } from '../../events/judge-change.ts';
import { type Change, diffTrees, replaceFiles, type TreeFile } from '../../git/objects/tree-object.ts';
import type { TreeLookup } from '../../git/objects/tree-lookup.ts';
import type { Repository } from '../../git/repository.ts';
import { readBoth } from './judge-changes.ts';
import { takeJudgedKeys } from './judged-keys.ts';
import { isLock, isManifest, manifestsOf } from './manifests.ts';
import type { Protection } from './protection.ts';
import { findShadows } from './shadows.ts';

/** Work with the judge as it was at its base. */
interface TakenBack {
  readonly tree: string;
  /** How each path is there that differs from the work. */
  readonly how: ReadonlyMap<string, NonNullable<JudgeChange['trial']>>;
}

/**
 * Makes the tree of a unit's work with what judges it as it was at the base: changed and deleted files come back, of manifests only
 * what judges, and new files go that a tool reads by their name or that take the place of a module. Other new files stay: a new test
 * is work. `changes`: all that were found between the trees. Undefined: nothing of the judge is to be taken back.
 */
export async function takeJudgeBack(
  repository: Pick<Repository, 'reader' | 'writer'>,
  protection: Protection,
  {
    from,
    to,
    changes,
  }: { readonly from: string; readonly to: string; readonly changes: readonly JudgeChange[] },
): Promise<TakenBack | undefined> {
  const all = await diffTrees(repository.reader, from, to);
  const byPath = new Map(all.map((change) => [change.path, change]));
  const files = new Map<string, TreeFile | undefined>();
  const how = new Map<string, NonNullable<JudgeChange['trial']>>();
  for (const { path, kind, level } of changes) {
    const change = byPath.get(path);
    if (change === undefined) continue;
    if (kind === 'added') {
      if (!(await isNewSettings(protection.base, path))) continue;
      files.set(path, undefined);
      how.set(path, 'without');
    } else if (!(isManifest(path) && staysAsItIs(path, level, byPath))) {
      const merged = await mergeManifest(repository, change);
      files.set(path, merged ?? change.before);
      how.set(path, merged === undefined ? 'base' : 'keys');
    }
  }
  const added = all.filter(({ before, path }) => before === undefined && !protection.isSpec(path));
  for (const path of await findShadows(
    protection,
    added.map((change) => change.path),
    byPath,
  )) {
    files.set(path, undefined);
    how.set(path, 'without');
  }
  return how.size === 0 ? undefined : { tree: await replaceFiles(repository, to, files), how };
}

/**
 * Whether a manifest or a lock file is the same in the counter-trial: nothing in it judges, or it holds the versions of a manifest
 * whose dependencies stay.
 */
function staysAsItIs(
  path: string,
  level: JudgeChange['level'],
  changed: ReadonlyMap<string, Change>,
): boolean {
  if (level === 'tell') return true;
  if (!isLock(path)) return false;
  const directory = path.slice(0, path.lastIndexOf('/') + 1);
  return manifestsOf(path).some((name) => changed.has(directory + name));
}

async function mergeManifest(
  { reader, writer }: Pick<Repository, 'reader' | 'writer'>,
  { path, before, after }: Change,
): Promise<TreeFile | undefined> {
  if (!isManifest(path) || before === undefined || after?.mode.startsWith('100') !== true) return undefined;
  const contents = await readBoth(reader, before.id, after.id);
  const merged = contents === undefined ? undefined : takeJudgedKeys(path, contents);
  return merged === undefined ? undefined : { mode: before.mode, id: await writer.blob(Buffer.from(merged)) };
}

/** Whether a new file tells a tool how to judge what was there already: its directory holds tests, settings or manifests. */
async function isNewSettings(base: TreeLookup, path: string): Promise<boolean> {
  if (!findProtectionEntries(path).some(({ isSettings }) => isSettings)) return false;
  const directory = path.slice(0, path.lastIndexOf('/') + 1);
  const names = await base.list(directory.slice(0, -1));
  return names.some((name) =>
    findProtectionEntries(directory + name).some(({ level }) => level !== 'restore'),
  );
}
