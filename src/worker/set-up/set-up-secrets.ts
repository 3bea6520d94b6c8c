import { constants } from 'node:fs';
import { lstat, open, readdir, readlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { homeBeside, type SandboxPaths } from '../../sandbox/sandbox.ts';
import { removeTree } from '../../system/remove-tree.ts';
import { fail, type GateServices, type UnitJob } from '../unit-job.ts';
import { findSetUpKeys } from './set-up-key.ts';

/** The operator's credentials of one set-up, and why it gets none. */
export type SetUpSecrets =
  | { readonly kind: 'none' }
  | { readonly kind: 'given'; readonly variables: Readonly<Record<string, string>> }
  /** `reason`: the end of a sentence. */
  | { readonly kind: 'withheld'; readonly reason: string };

export const NO_SECRETS: SetUpSecrets = { kind: 'none' };

/**
 * Whether the set-up of a commit may get the operator's secrets: where no agent wrote anything of what it reads. It then runs at
 * the approved commit itself, whatever else an agent changed or added beside that.
 */
export async function judgeSecrets(
  job: UnitJob,
  services: GateServices,
  commit: string,
): Promise<SetUpSecrets> {
  const { setUpSecrets = {} } = services;
  const names = Object.keys(setUpSecrets);
  if (names.length === 0 || job.config.worktree.setup.length === 0) return NO_SECRETS;
  const given = { kind: 'given', variables: setUpSecrets } as const;
  if (commit === job.approved) return given;
  const [now, before] = await Promise.all([
    findSetUpKeys(job, services, commit),
    findSetUpKeys(job, services, job.approved),
  ]);
  if (now.shared === before.shared) return given;
  const base = job.approved.slice(0, 12);
  const what = now.isDeclared
    ? `one of its \`inputs\`, or a file that it names, differs from commit ${base}`
    : `files differ from commit ${base}, and \`inputs\` does not say which of them it reads`;
  return {
    kind: 'withheld',
    reason: `set-up ran without ${names.join(', ')}: ${what}, and a secret reaches only what no agent wrote`,
  };
}

/** Bytes that are read at a time. */
const CHUNK = 1024 * 1024;

/**
 * Makes sure that agents and gates find no secret in what a set-up left. A home with one is emptied; in the project it ends the
 * unit. Returns whether there was none.
 */
export async function removeLeaks(
  { worktree, beside }: SandboxPaths,
  ignored: readonly string[],
  { secretForms, append }: Pick<GateServices, 'secretForms' | 'append'>,
  unit: string,
): Promise<boolean> {
  for (const path of ignored) {
    const leak = await findLeak(join(worktree, path), secretForms);
    if (leak !== undefined)
      throw fail(
        'needs-human',
        `set-up left a secret of CHOO_SETUP_SECRETS in \`${relative(worktree, leak)}\``,
        'agents and gates would read it: let the set-up remove it, or keep it in variables only',
      );
  }
  if (beside === undefined) return true;
  const home = homeBeside(beside);
  const leak = await findLeak(home, secretForms);
  if (leak === undefined) return true;
  await removeTree(home);
  const message = `set-up left a secret of CHOO_SETUP_SECRETS in \`~/${relative(home, leak)}\`: agents and gates get an empty home, and what it left is not kept for others`;
  append({ type: 'unit.notice', unit, code: 'setup-secret', message });
  return false;
}

/** The first path at or below one whose name, target or bytes hold a form of a secret. Follows no link. */
async function findLeak(root: string, forms: readonly Buffer[]): Promise<string | undefined> {
  const left = [root];
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    const kind = await kindOf(path);
    if (kind === 'file' && (await holdsForm(path, forms))) return path;
    if (kind !== 'link' && kind !== 'directory') continue;
    const texts = kind === 'link' ? [await readlink(path)] : await readdir(path);
    if (texts.some((text) => forms.some((form) => text.includes(form.toString())))) return path;
    if (kind === 'directory') for (const name of texts) left.push(join(path, name));
  }
  return undefined;
}

/** What is nothing of these holds no bytes. Undefined: it is gone, or its name is no text. */
async function kindOf(path: string): Promise<'file' | 'directory' | 'link' | undefined> {
  const stat = await lstat(path).catch(() => undefined);
  if (stat?.isFile() === true) return 'file';
  if (stat?.isDirectory() === true) return 'directory';
  return stat?.isSymbolicLink() === true ? 'link' : undefined;
}

/** Whether a file holds one; a file that cannot be read counts as one that does. */
async function holdsForm(path: string, forms: readonly Buffer[]): Promise<boolean> {
  const overlap = Math.max(0, ...forms.map((form) => form.length - 1));
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    const buffer = Buffer.alloc(overlap + CHUNK);
    for (let kept = 0; ;) {
      const { bytesRead } = await file.read(buffer, kept, CHUNK, null);
      if (bytesRead === 0) return false;
      const bytes = buffer.subarray(0, kept + bytesRead);
      if (forms.some((form) => bytes.includes(form))) return true;
      kept = Math.min(overlap, bytes.length);
      buffer.copyWithin(0, bytes.length - kept, bytes.length);
    }
  } catch {
    return true;
  }
}
