import { parseCommit } from '../git/objects/commit.ts';
import type { ObjectReader } from '../git/objects/object-reader.ts';

/** Maximum commits that are searched: no claim makes so many before it is declared dead. */
const MAX_COMMITS = 1_000;
/** Maximum size of a commit object; choo's have a few hundred bytes. */
const MAX_COMMIT_BYTES = 64 * 1024;

/** Commits whose trailers say that choo made them. */
interface OwnCommits {
  /** The recorded commit that they build on. */
  readonly since: string;
  /** The tasks that their trailers name, oldest first. */
  readonly tasks: readonly number[];
}

/**
 * Finds the commits from a recorded one to a head, if each names this run and unit in its trailers and has one parent;
 * undefined otherwise. Anyone can write trailers: the result says where to look and proves nothing.
 */
export async function findOwnCommits(
  reader: ObjectReader,
  {
    head,
    known,
    run,
    unit,
  }: {
    readonly head: string;
    readonly known: ReadonlySet<string>;
    readonly run: string;
    readonly unit: string;
  },
): Promise<OwnCommits | undefined> {
  const tasks: number[] = [];
  let at = head;
  for (let count = 0; count <= MAX_COMMITS; count += 1) {
    if (known.has(at)) return { since: at, tasks: tasks.toReversed() };
    const commit = await readCommit(reader, at);
    const [parent, other] = commit?.parents ?? [];
    if (commit === undefined || parent === undefined || other !== undefined) return undefined;
    const said = (name: string): string | undefined => onlyValue(commit.trailers, name);
    if (said('Choo-Run') !== run || said('Choo-Unit') !== unit) return undefined;
    const task = Number(said('Choo-Task'));
    if (Number.isSafeInteger(task) && task > 0) tasks.push(task); // a repair names no task
    at = parent;
  }
  return undefined;
}

async function readCommit(reader: ObjectReader, id: string) {
  const [info] = await reader.info([id]);
  if (info?.type !== 'commit' || info.size > MAX_COMMIT_BYTES) return undefined;
  const [content] = await reader.contents([id]);
  return content === undefined ? undefined : parseCommit(content);
}

/** The value of a trailer that occurs exactly once. */
function onlyValue(
  trailers: readonly (readonly [name: string, value: string])[],
  name: string,
): string | undefined {
  const values = trailers.flatMap(([each, value]) => (each === name ? [value] : []));
  return values.length === 1 ? values[0] : undefined;
}
