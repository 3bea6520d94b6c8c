import { basename } from 'node:path/posix';
import { type Contents, withJudgedKeys } from './json-manifests.ts';
import { withJudgedSections } from './text-manifests.ts';

const MERGES: Readonly<Record<string, (contents: Contents) => string | undefined>> = {
  'package.json': withJudgedKeys,
  'pyproject.toml': withJudgedSections,
  'setup.cfg': withJudgedSections,
  'cargo.toml': withJudgedSections,
  pipfile: withJudgedSections,
};

/**
 * A manifest as after a change, with what builds and judges in it as before: its scripts and settings. Undefined: its parts cannot
 * be told apart. Never throws.
 */
export function takeJudgedKeys(path: string, contents: Contents): string | undefined {
  const name = basename(path).toLowerCase();
  const merge = Object.hasOwn(MERGES, name) ? MERGES[name] : undefined;
  try {
    return merge?.(contents);
  } catch {
    return undefined; // not what its name says
  }
}
