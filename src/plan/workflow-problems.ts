import { posix } from 'node:path';
import { findOpenPush } from '../config/workflow.ts';
import type { SpecTree } from '../discovery/tree.ts';
import type { Problem } from '../problems/problem.ts';

const DIRECTORY = '.github/workflows';
/** A larger workflow is not read. Bytes. */
const MAX_BYTES = 64 * 1024;
/** Workflows that are read. */
const MAX_FILES = 100;

/** Warns of workflows that give secrets to what runs on a push to any branch: choo pushes what agents wrote before anybody looks. */
export async function findOpenWorkflows(tree: SpecTree): Promise<readonly Problem[]> {
  const { tree: repository, path: below } = tree.above ?? { tree, path: '' };
  const [listing] = await repository.list([DIRECTORY]);
  if (listing === undefined || typeof listing === 'string') return [];
  const files = listing
    .filter(({ name, kind, size }) => kind === 'file' && size <= MAX_BYTES && /\.ya?ml$/.test(name))
    .slice(0, MAX_FILES);
  const contents = await repository.read(files);
  return files.flatMap(({ path }, index): readonly Problem[] => {
    const at = findOpenPush(new TextDecoder().decode(contents[index]));
    if (at === undefined) return [];
    return [
      {
        severity: 'warning',
        code: 'workflow-secrets',
        message:
          "this workflow has secrets and runs on pushes to choo's branches, with code that nobody has read",
        file: posix.relative(below, path),
        ...at,
        hint: "leave them out with `branches-ignore: ['choo/**']`, or keep the secrets in an environment that asks a reviewer",
      },
    ];
  });
}
