/** Keys of the earlier command-line choo, with the hint for each. The longest path wins. */
const LEGACY_KEYS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'claude.command': 'write it as `provider.providers.claude.command`; it counts in local runs only',
    'claude.max_turns': 'turns have no limit; `limits` bounds attempts, time, tokens and cost',
    claude: 'write it under `provider.providers.claude`',
    'github.owner': 'not needed: choo knows the repository it is installed on',
    'github.repo': 'not needed: choo knows the repository it is installed on',
    github: 'not needed: choo knows the repository it is installed on',
    merge: 'not needed: results are pull requests, and people merge them',
    review: 'reviews by an agent come later',
    feature: 'feature branches come later',
    code_review: 'reviews by an agent come later',
    log_level: 'set it in the environment of the process',
  }),
);

/** The hint for a key of an older choo; undefined for any other key. */
export function legacyHint(path: readonly string[]): string | undefined {
  return LEGACY_KEYS.get(path.join('.')) ?? LEGACY_KEYS.get(path[0] ?? '');
}
