import { shorten } from '../problems/problem.ts';
import { foldName, isGitName } from './objects/git-name.ts';
import type { ObjectReader } from './objects/object-reader.ts';
import { GITLINK, LINK, MAX_LINKS, MAX_TARGET_BYTES } from './objects/tree-format.ts';
import { type Change, listLinks } from './objects/tree-object.ts';

/** A change that must never be committed. */
export interface Forbidden {
  readonly path: string;
  /** `name`: some system's git treats it as its own, or it is not UTF-8. `link`: it leads out of the repository. */
  readonly reason: 'name' | 'mode' | 'gitlink' | 'submodules' | 'link' | 'size' | 'lfs';
  /** A sentence without its subject: `is a link out of the repository`. */
  readonly message: string;
}

/**
 * The largest file that is committed: larger ones cannot be searched for secrets, and few hosts accept them. Bytes.
 *
 * @internal
 */
export const MAX_COMMITTED_FILE_BYTES = 64 * 1024 * 1024;

/**
 * Finds the changes that must not be committed among those that led to `tree`, by path. Requests the sizes of changed
 * files; reads objects only if a link changed.
 */
export async function findForbidden(
  reader: ObjectReader,
  tree: string,
  changes: readonly Change[],
): Promise<Forbidden[]> {
  const found = changes.flatMap((change) => judgeChange(change) ?? []);
  found.push(...(await findLarge(reader, changes)));
  // An unchanged link may lead elsewhere because another link on its path changed.
  if (!changes.some(({ before, after }) => before?.mode === LINK || after?.mode === LINK)) return found;
  const ids = new Map(await listLinks(reader, tree));
  const now = await readTargets(reader, ids);
  for (const { path, before } of changes) {
    if (before?.mode === LINK) ids.set(path, before.id);
    else ids.delete(path);
  }
  const earlier = await readTargets(reader, ids);
  const changed = new Set(changes.map(({ path }) => path));
  for (const path of now.keys())
    if (leadsOut(path, now) && (changed.has(path) || !leadsOut(path, earlier))) {
      const target = shorten(now.get(path) ?? '');
      found.push({ path, reason: 'link', message: `is a link out of the repository, to \`${target}\`` });
    }
  return found;
}

async function findLarge(reader: ObjectReader, changes: readonly Change[]): Promise<readonly Forbidden[]> {
  const files = changes.flatMap(({ path, after }) =>
    after === undefined || after.mode === GITLINK ? [] : [{ path, id: after.id }],
  );
  const infos = await reader.info(files.map(({ id }) => id));
  return files.flatMap(({ path }, index) => {
    const size = infos[index]?.size ?? 0;
    const message = `has ${Math.ceil(size / 2 ** 20)} MiB; files of more than 64 MiB are not committed`;
    return size > MAX_COMMITTED_FILE_BYTES ? [{ path, reason: 'size', message }] : [];
  });
}

const MODES = new Set(['100644', '100755', LINK, GITLINK]);

/**
 * Checks a change as far as possible without reading an object. Pure.
 *
 * @internal
 */
export function judgeChange({ path, before, after }: Change): Forbidden | undefined {
  if (before?.mode === GITLINK || after?.mode === GITLINK)
    return { path, reason: 'gitlink', message: 'is another repository, of which choo changes nothing' };
  if (foldName(path) === '.gitmodules' || /^gitmod~\d$/.test(foldName(path)))
    return { path, reason: 'submodules', message: 'decides which repositories git fetches' };
  if (after === undefined) return undefined; // a deletion is always allowed
  if (!path.isWellFormed()) return { path, reason: 'name', message: 'has a name that is not UTF-8' };
  if (path.split('/').some((name) => name === '' || name === '.' || name === '..' || isGitName(name)))
    return { path, reason: 'name', message: "has a name that is git's own" };
  if (!MODES.has(after.mode)) return { path, reason: 'mode', message: `has the mode ${after.mode}` };
  return undefined;
}

/**
 * Whether a link leads out of the root, into a `.git`, or round in a circle. `links` maps the path of every link to its
 * target; any other path counts as a directory. Pure.
 *
 * @internal
 */
export function leadsOut(path: string, links: ReadonlyMap<string, string>): boolean {
  const ahead = path.split('/').toReversed();
  const walked: string[] = [];
  let followed = 0;
  for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (walked.pop() === undefined) return true;
      continue;
    }
    if (isGitName(name)) return true;
    walked.push(name);
    const target = links.get(walked.join('/'));
    if (target === undefined) continue;
    followed += 1;
    if (followed > MAX_LINKS || target === '' || /^[/\\]|^[A-Za-z]:|\0/.test(target)) return true;
    walked.pop();
    ahead.push(...target.split(/[/\\]/).toReversed());
  }
  return false;
}

async function readTargets(
  reader: ObjectReader,
  links: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, string>> {
  const ids = [...new Set(links.values())];
  const infos = await reader.info(ids);
  const short = ids.filter((_, index) => (infos[index]?.size ?? Infinity) <= MAX_TARGET_BYTES);
  const targets = new Map<string, string>();
  for (const [index, content] of (await reader.contents(short)).entries())
    targets.set(short[index] ?? '', content?.toString('utf8') ?? '');
  return new Map(Array.from(links, ([path, id]) => [path, targets.get(id) ?? '']));
}
