import { CONFIG_FILES } from '../config/schema.ts';

/** Directories and files that steer agents, reviews, builds and git, wherever in the repository they stand. */
const NAMES: ReadonlySet<string> = new Set([
  '.github',
  '.gitlab-ci.yml',
  'codeowners',
  '.npmrc',
  '.yarnrc',
  '.yarnrc.yml',
  '.husky',
  'agents.md',
  'agents.override.md',
  'claude.md',
  'claude.local.md',
  'gemini.md',
  '.claude',
  '.codex',
  '.gemini',
  '.opencode',
  '.mcp.json',
  'opencode.json',
  'opencode.jsonc',
]);

/**
 * Which paths an agent may not change. `directory` leads from the repository's root to the project; `files` are those
 * that the unit's gates name and that are there at the base.
 */
export function createProtection({
  directory,
  specsDir,
  files,
}: {
  readonly directory: string;
  readonly specsDir: string;
  readonly files: ReadonlySet<string>;
}): (path: string) => boolean {
  const prefixes = [...[specsDir, ...CONFIG_FILES].map((path) => `${directory}${path}`), ...files];
  return (path) =>
    path.split('/').some((name) => NAMES.has(name.toLowerCase()) || name.toLowerCase().startsWith('.git')) ||
    prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));
}

/** Every path that a gate's command may name, from the project directory; most are none. */
export function pathsNamedBy(gates: readonly string[], directory: string): readonly string[] {
  return [...new Set(gates.flatMap(wordsOf))].map((word) => `${directory}${word}`);
}

/** The words of a shell command that could be paths: what stands between blanks, quotes, `=` and operators. */
function wordsOf(gate: string): readonly string[] {
  return gate
    .split(/[\s"'`=;&|<>(){}$,:]+/)
    .map((word) => word.replace(/^(?:\.\/)+/, '').replace(/\/+$/, ''))
    .filter(
      (word) => word !== '' && word !== '.' && !word.startsWith('/') && !word.split('/').includes('..'),
    );
}
