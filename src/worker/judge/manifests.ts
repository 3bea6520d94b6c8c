import { basename } from 'node:path/posix';
import type { ProtectionLevel } from '../../config/protection/entry.ts';
import { type Contents, isHarmlessComposer, isHarmlessPackage } from './json-manifests.ts';
import { isHarmlessLock } from './lock-files.ts';
import { isHarmlessGoMod, isHarmlessSections, onlyGainedDependencies } from './text-manifests.ts';

/** Whether only what a manifest says of the product changed in it, or what it depends on. */
type IsHarmless = (contents: Contents) => boolean;

const MANIFESTS: Readonly<Record<string, IsHarmless>> = {
  'package.json': isHarmlessPackage,
  'composer.json': isHarmlessComposer,
  'pyproject.toml': isHarmlessSections,
  'setup.cfg': isHarmlessSections,
  'cargo.toml': isHarmlessSections,
  pipfile: isHarmlessSections,
  'go.mod': isHarmlessGoMod,
  'go.work.sum': onlyGainedDependencies('sum'),
  gemfile: onlyGainedDependencies('gem'),
  'build.gradle': onlyGainedDependencies('gradle'),
  'build.gradle.kts': onlyGainedDependencies('gradle'),
  'libs.versions.toml': onlyGainedDependencies('catalogue'),
  'mix.exs': onlyGainedDependencies('mix'),
};
/** Lock files, and the manifest beside each. */
const LOCKS: Readonly<Record<string, readonly string[]>> = {
  'package-lock.json': ['package.json'],
  'npm-shrinkwrap.json': ['package.json'],
  'yarn.lock': ['package.json'],
  'pnpm-lock.yaml': ['package.json'],
  'bun.lock': ['package.json'],
  'deno.lock': ['deno.json', 'deno.jsonc', 'package.json'],
  'poetry.lock': ['pyproject.toml'],
  'uv.lock': ['pyproject.toml'],
  'pipfile.lock': ['Pipfile'],
  'cargo.lock': ['Cargo.toml'],
  'go.sum': ['go.mod'],
  'gemfile.lock': ['Gemfile'],
  'composer.lock': ['composer.json'],
  'mix.lock': ['mix.exs'],
};
/** Other manifests, by the form of their names. */
const OTHERS: readonly (readonly [name: RegExp, isHarmless: IsHarmless])[] = [
  [/^requirements.*\.txt$/, onlyGainedDependencies('pip')],
  [/\.(?:cs|fs)proj$/, onlyGainedDependencies('msbuild')],
];

function harmlessOf(name: string): IsHarmless | undefined {
  return Object.hasOwn(MANIFESTS, name) ? MANIFESTS[name] : OTHERS.find(([form]) => form.test(name))?.[1];
}

/** Whether a file is judged by what changed in it: it says more than how things are built and judged. */
export function isManifest(path: string): boolean {
  return harmlessOf(basename(path).toLowerCase()) !== undefined || isLock(path);
}

/** Whether a file holds the versions that a manifest beside it was resolved to. */
export function isLock(path: string): boolean {
  return Object.hasOwn(LOCKS, basename(path).toLowerCase());
}

/** The manifests that may explain a change to a lock file, by name: beside it, or anywhere below. */
export function manifestsOf(lock: string): readonly string[] {
  return LOCKS[basename(lock).toLowerCase()] ?? [];
}

/**
 * The level of a change to a manifest or a lock file: `tell` where only dependencies came or went and the product is described
 * otherwise, else `ask`. `hasNewDependencies`: whether a manifest of a lock file changed, too. Never throws.
 */
export function judgeManifest(
  path: string,
  contents: Contents,
  hasNewDependencies: boolean,
): ProtectionLevel {
  const name = basename(path).toLowerCase();
  try {
    if (isLock(path)) return hasNewDependencies && isHarmlessLock(name, contents) ? 'tell' : 'ask';
    return harmlessOf(name)?.(contents) === true ? 'tell' : 'ask';
  } catch {
    return 'ask'; // not what its name says
  }
}
