import { findProtectionEntries } from '../../config/protection/protection.ts';
import type { JudgeChange } from '../../events/judge-change.ts';
import { readLineCounts } from '../../git/patch.ts';
import type { ObjectReader } from '../../git/objects/object-reader.ts';
import { type Change, diffTrees } from '../../git/objects/tree-object.ts';
import type { Repository } from '../../git/repository.ts';
import { isLock, isManifest, judgeManifest, manifestsOf } from './manifests.ts';
import type { PathVerdict, Protection } from './protection.ts';

/** A larger file is not compared by what it says. Bytes. */
const MAX_BYTES = 8 * 1024 * 1024;

/**
 * Finds what changed between two trees of what judges or builds, the strictest first: all of it but the specs. Manifests and lock
 * files are judged by what they say. `isAllowed`: a task may change it. Paths are from the root of the repository.
 */
export async function findJudgeChanges(
  repository: Pick<Repository, 'git' | 'reader'>,
  protection: Protection,
  {
    from,
    to,
    mayChange,
  }: { readonly from: string; readonly to: string; readonly mayChange: readonly string[] },
): Promise<readonly JudgeChange[]> {
  const { reader } = repository;
  const all = await diffTrees(reader, from, to);
  const found: JudgeChange[] = [];
  const manifests = new Set<string>();
  for (const change of all.toSorted((a, b) => Number(isLock(a.path)) - Number(isLock(b.path)))) {
    const { path, before, after } = change;
    if (protection.isSpec(path)) continue;
    const verdict = await judgeChange(reader, protection, change, manifests);
    if (verdict === undefined) continue;
    if (isManifest(path) && verdict.level === 'tell') manifests.add(nameOf(path));
    found.push({
      path,
      level: verdict.level,
      kind: before === undefined ? 'added' : after === undefined ? 'deleted' : 'changed',
      isAllowed: verdict.mayAllow && protection.allows(mayChange, path),
      added: null,
      removed: null,
    });
  }
  const order = { restore: 0, ask: 1, tell: 2 } as const;
  const changes = found.sort((a, b) => order[a.level] - order[b.level] || (a.path < b.path ? -1 : 1));
  const lines = await readLineCounts(
    repository,
    { from, to },
    changes.slice(0, MAX_CHANGES).map(({ path }) => path),
  );
  return changes.map((each) => ({ ...each, ...lines.get(each.path) }));
}

/** Changes of which lines are counted, and that are told one by one. */
export const MAX_CHANGES = 100;

/** The verdict on one change. `manifests`: the names of those that gained dependencies. */
async function judgeChange(
  reader: ObjectReader,
  { judge, base }: Protection,
  { path, before, after }: Change,
  manifests: ReadonlySet<string>,
): Promise<PathVerdict | undefined> {
  const verdict = judge(path, before !== undefined);
  if (before === undefined) {
    // Another file of the same kind may take the place of the one that is there.
    const replaces = verdict?.level === 'tell' && (await hasSibling(base, path));
    return replaces ? { level: 'ask', mayAllow: true } : verdict;
  }
  if (verdict === undefined || verdict.level === 'restore') return verdict;
  const isText = before.mode.startsWith('100') && after !== undefined && after.mode === before.mode;
  if (verdict.level === 'ask' && isManifest(path)) {
    if (!isText) return verdict;
    const contents = await readBoth(reader, before.id, after.id);
    const hasNewDependencies = manifestsOf(path).some((name) => manifests.has(name.toLowerCase()));
    return contents === undefined
      ? verdict
      : { ...verdict, level: judgeManifest(path, contents, hasNewDependencies) };
  }
  // The function that runs all tests of a package in Go.
  if (verdict.level === 'tell' && path.endsWith('_test.go') && isText) {
    const contents = await readBoth(reader, before.id, after.id);
    const runsAll = /\bfunc\s+TestMain\b/;
    if (contents === undefined || runsAll.test(contents.before) || runsAll.test(contents.after))
      return { ...verdict, level: 'ask' };
  }
  return verdict;
}

async function hasSibling(base: Protection['base'], path: string): Promise<boolean> {
  const choices = findProtectionEntries(path).filter(({ isChoice }) => isChoice);
  if (choices.length === 0) return false;
  const directory = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
  const names = await base.list(directory);
  return names.some((name) => {
    const entries = findProtectionEntries(directory === '' ? name : `${directory}/${name}`);
    return choices.some((entry) => entries.includes(entry));
  });
}

/** The texts of two files; undefined: one is not there, or too large to read. */
export async function readBoth(
  reader: ObjectReader,
  before: string,
  after: string,
): Promise<{ readonly before: string; readonly after: string } | undefined> {
  const infos = await reader.info([before, after]);
  if (infos.some((info) => info === undefined || info.size > MAX_BYTES)) return undefined;
  const [old, now] = await reader.contents([before, after]);
  if (old === undefined || now === undefined) return undefined;
  return { before: old.toString('utf8'), after: now.toString('utf8') };
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).toLowerCase();
}
