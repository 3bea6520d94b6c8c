import { readYaml } from '../problems/yaml.ts';
import { readGlob } from './glob.ts';
import { toLocatedValue } from './yaml-value.ts';

/** A branch of choo's, as a workflow would see it. */
const UNIT_BRANCH = 'choo/unit/main/unit';
/** Any secret but GitHub's own token, which is limited by `permissions`. */
const SECRET = /\bsecrets\s*(?:\.\s*(?!GITHUB_TOKEN\b)\w|\[|:\s*inherit\b)/;

/**
 * Whether a workflow of GitHub Actions uses secrets and runs on a push to a branch of choo's, by its text. Undefined where it does
 * not, or is no workflow. https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#on
 *
 * @returns the line and column of `on`
 */
export function findOpenPush(text: string): { readonly line: number; readonly column: number } | undefined {
  if (!SECRET.test(text)) return undefined;
  const read = readYaml(text);
  if (read.faults.length > 0) return undefined;
  const located = toLocatedValue(read);
  if ('fault' in located) return undefined;
  const on = keyOf(located.value, 'on');
  return runsOnPush(on) ? located.keyPositionOf(['on']) : undefined;
}

function runsOnPush(on: unknown): boolean {
  if (on === 'push' || (Array.isArray(on) && on.includes('push'))) return true;
  if (!isMapping(on) || !Object.hasOwn(on, 'push')) return false;
  const push = on['push'];
  const [branches, ignored] = [
    patternsOf(keyOf(push, 'branches')),
    patternsOf(keyOf(push, 'branches-ignore')),
  ];
  if (branches !== undefined) return isChosen(branches);
  if (ignored !== undefined) return !isChosen(ignored);
  // Of tags alone, no branch is meant.
  return keyOf(push, 'tags') === undefined && keyOf(push, 'tags-ignore') === undefined;
}

/** The last pattern that fits decides; one with `!` takes back. */
function isChosen(patterns: readonly string[]): boolean {
  let isIn = false;
  for (const pattern of patterns) {
    const glob = readGlob(pattern.replace(/^!/, ''), { hasDots: true });
    if ('fault' in glob || glob.matches(UNIT_BRANCH)) isIn = !pattern.startsWith('!');
  }
  return isIn;
}

function patternsOf(value: unknown): readonly string[] | undefined {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : undefined;
}

function keyOf(value: unknown, key: string): unknown {
  return isMapping(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
