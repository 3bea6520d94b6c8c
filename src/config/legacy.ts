/** Keys of the command-line choo that came before, and what a reader is told about each. Longest path first wins. */
const LEGACY_KEYS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'claude.command': 'write it as `provider.providers.claude.command`; it counts in local runs only',
    'claude.max_turns': 'there is no limit of turns; `limits` bounds attempts, time, tokens and cost',
    claude: 'write it under `provider.providers.claude`',
    'github.owner': 'not needed: choo knows the repository it is installed on',
    'github.repo': 'not needed: choo knows the repository it is installed on',
    github: 'not needed: choo knows the repository it is installed on',
    merge: 'not needed: results are pull requests, which people merge',
    review: 'reviews by an agent come later',
    feature: 'feature branches come later',
    code_review: 'reviews by an agent come later',
    log_level: 'set it in the environment of the process',
  }),
);

/** What to say about a key the schema does not know, when an older choo did; undefined when none did. */
export function legacyHint(path: readonly string[]): string | undefined {
  return LEGACY_KEYS.get(path.join('.')) ?? LEGACY_KEYS.get(path[0] ?? '');
}
