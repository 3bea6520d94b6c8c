import { isTestPath } from '../../config/protection/protection.ts';
import { diffTrees, treeOf } from '../../git/objects/tree-object.ts';
import type { Openings } from '../../sandbox/sandbox.ts';
import type { GateServices, UnitJob } from '../unit-job.ts';
import { isCode } from './named-paths.ts';
import type { Protection } from './protection.ts';

/**
 * The files that a unit's work at `head` changed, that exist at its base, and that are not the code it is about: those in source
 * directories, and those that its specs name. What a gate opens of them may decide its verdict, whatever the tools.
 */
export async function findWatchedFiles(
  job: UnitJob,
  { repository }: Pick<GateServices, 'repository'>,
  { isSpec }: Pick<Protection, 'isSpec'>,
  head: string,
): Promise<readonly string[]> {
  const { reader } = repository;
  const changes = await diffTrees(reader, await treeOf(reader, job.base), await treeOf(reader, head));
  const specs = textOf(job);
  return changes.flatMap(({ path, before, after }) => {
    const isFile = before !== undefined && after?.mode.startsWith('100') === true;
    const isSubject = (isCode(path) && !isTestPath(path)) || names(specs, path);
    return isFile && !isSubject && !isSpec(path) ? [path] : [];
  });
}

function textOf({ unit }: Pick<UnitJob, 'unit'>): string {
  const files = [unit.plan, ...unit.tasks.map(({ file }) => file)];
  return files.map(({ content }) => new TextDecoder().decode(content)).join('\n');
}

function names(text: string, path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1))
    if (!/[\w.-]/.test(text[at - 1] ?? '') && !/[\w-]/.test(text[at + name.length] ?? '')) return true;
  return false;
}

/** What several gates opened. */
export function joinOpenings(all: readonly Openings[]): Openings | undefined {
  const unknown = all.find(({ kind }) => kind === 'unknown');
  if (unknown !== undefined || all.length === 0) return unknown;
  const paths = all.flatMap((each) => (each.kind === 'recorded' ? each.paths : []));
  return { kind: 'recorded', paths: [...new Set(paths)].sort() };
}
