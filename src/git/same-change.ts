import { createHash } from 'node:crypto';
import { ChooError } from '../errors.ts';
import { compareText } from '../problems/problem.ts';
import { type Change, diffTrees, treeOf } from './objects/tree-object.ts';
import type { Repository } from './repository.ts';

/** A change is what lies between two commits. */
export interface ChangeEnds {
  readonly from: string;
  readonly to: string;
}

/** The four contents of a file that both changes modify: before and after each of them. */
type Versions = readonly [string, string, string, string];

/** What is compared line by line; larger files, and all beyond, are equal only where their objects are. Bytes, and files. */
const MAX_FILE_BYTES = 1024 * 1024;
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_FILES = 1_000;
/** git takes a file for binary when a NUL is among its first bytes. */
const BINARY_PREFIX = 8_000;

/**
 * Compares two changes byte for byte: lines removed and added, in order, whatever lies around them and at whichever line; modes;
 * binary files, links and gitlinks by object id. Returns the paths where they differ, sorted; none: it is the same change.
 * Attributes and settings of the repository decide nothing.
 */
export async function findUnequalFiles(
  repository: Repository,
  one: ChangeEnds,
  other: ChangeEnds,
): Promise<readonly string[]> {
  const [before, after] = [await changesOf(repository, one), await changesOf(repository, other)];
  const unequal: string[] = [];
  const texts = new Map<string, Versions>();
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const [a, b] = [before.get(path), after.get(path)];
    if (a === undefined || b === undefined || modesOf(a) !== modesOf(b)) unequal.push(path);
    else if (a.before?.id === b.before?.id && a.after?.id === b.after?.id) continue;
    else {
      const versions = versionsOf(a, b);
      if (versions === undefined) unequal.push(path);
      else texts.set(path, versions);
    }
  }
  const comparable = await selectTexts(repository, texts);
  const [was, is] = [
    await hashLines(
      repository,
      [...comparable.values()].map(([from, to]) => [from, to]),
    ),
    await hashLines(
      repository,
      [...comparable.values()].map(([, , from, to]) => [from, to]),
    ),
  ];
  const equal = new Set([...comparable.keys()].filter((_, index) => was.get(index) === is.get(index)));
  unequal.push(...[...texts.keys()].filter((path) => !equal.has(path)));
  return unequal.sort(compareText);
}

async function changesOf(
  { reader }: Repository,
  { from, to }: ChangeEnds,
): Promise<ReadonlyMap<string, Change>> {
  const changes = await diffTrees(reader, await treeOf(reader, from), await treeOf(reader, to));
  return new Map(changes.map((change) => [change.path, change]));
}

/** What a diff says of modes: the change of one, or else only what kind of file it is. */
function modesOf({ before, after }: Change): string {
  if (before?.mode !== after?.mode) return `${before?.mode} ${after?.mode}`;
  return isRegular(before?.mode) ? 'file' : String(before?.mode);
}

function isRegular(mode: string | undefined): boolean {
  return mode?.startsWith('100') === true;
}

/** The contents to compare line by line; undefined for what was added or removed, and for what has no lines. */
function versionsOf(a: Change, b: Change): Versions | undefined {
  const files = [a.before, a.after, b.before, b.after] as const;
  const [old, changed, newOld, newChanged] = files;
  if (!files.every((file) => isRegular(file?.mode))) return undefined;
  if (old === undefined || changed === undefined || newOld === undefined || newChanged === undefined)
    return undefined;
  return [old.id, changed.id, newOld.id, newChanged.id];
}

/** Those that are text, within the limits. */
async function selectTexts(
  { reader }: Repository,
  texts: ReadonlyMap<string, Versions>,
): Promise<ReadonlyMap<string, Versions>> {
  const selected = new Map<string, Versions>();
  let total = 0;
  for (const [path, versions] of [...texts].slice(0, MAX_FILES)) {
    const sizes = (await reader.info(versions)).map((info) => info?.size ?? Number.POSITIVE_INFINITY);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    if (Math.max(...sizes) > MAX_FILE_BYTES || total + bytes > MAX_BYTES) continue;
    total += bytes;
    const contents = await reader.contents(versions);
    const isText = contents.every((content) => content?.subarray(0, BINARY_PREFIX).includes(0) === false);
    if (isText) selected.set(path, versions);
  }
  return selected;
}

/**
 * A hash of the removed and added lines of each pair of blobs, by its index; none for equal blobs. One git compares two trees
 * that hold them under plain names, so that no path needs quoting and no attribute names one.
 */
async function hashLines(
  { git, writer }: Repository,
  pairs: readonly (readonly [from: string, to: string])[],
): Promise<ReadonlyMap<number, string>> {
  if (pairs.length === 0) return new Map();
  const tree = async (side: 0 | 1): Promise<string> =>
    writer.tree(pairs.map((pair, index) => ({ mode: '100644', name: String(index), id: pair[side] })));
  const [from, to] = [await tree(0), await tree(1)];
  await using diff = await git.start('diff-tree', ...DIFF_OPTIONS, from, to);
  const chunks: Buffer[] = [];
  for await (const chunk of diff.stdout) chunks.push(chunk as Buffer);
  const { exitCode, stderr } = await diff.ended;
  if (exitCode !== 0) throw new ChooError('git', `git diff-tree failed: ${stderr}`);
  return readHashes(Buffer.concat(chunks).toString('latin1'));
}

/** Nothing that a file of the repository, or of git's settings, could choose. */
const DIFF_OPTIONS = (
  '-r -p -U0 --inter-hunk-context=0 --no-renames --text --no-color --full-index --no-ext-diff --no-textconv ' +
  '--no-relative --diff-algorithm=myers --indent-heuristic --src-prefix=a/ --dst-prefix=b/'
).split(' ');

/** Reads a diff. A line of a hunk begins with one of `+-\`, so that none can pass for one of git's. */
function readHashes(diff: string): ReadonlyMap<number, string> {
  const hashes = new Map<number, string>();
  for (const part of diff.split(/^diff --git a\//m).slice(1)) {
    const start = part.search(/^@@ /m);
    const lines = start < 0 ? '' : part.slice(start).replaceAll(/^@@ .*$/gm, '@@');
    hashes.set(Number.parseInt(part, 10), createHash('sha256').update(lines, 'latin1').digest('hex'));
  }
  return hashes;
}
