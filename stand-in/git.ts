import { execa } from 'execa';

/** The environment of git commands: ignores this machine's configuration. */
export const GIT_ENVIRONMENT = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
};

export const NO_COMMIT = '0'.repeat(40);

/** Runs git in a bare repository and returns its output, without the last newline. */
export async function git(bare: string, args: readonly string[], input = ''): Promise<string> {
  const { stdout } = await execa('git', ['-C', bare, ...args], {
    input,
    extendEnv: false,
    env: GIT_ENVIRONMENT,
    maxBuffer: 256 * 1024 * 1024,
  });
  return stdout;
}

/** Runs git like `git`, but returns undefined when it fails. */
export async function askGit(bare: string, args: readonly string[]): Promise<string | undefined> {
  const { stdout, failed } = await execa('git', ['-C', bare, ...args], {
    reject: false,
    extendEnv: false,
    env: GIT_ENVIRONMENT,
    maxBuffer: 256 * 1024 * 1024,
  });
  return failed ? undefined : stdout;
}

export type Refs = ReadonlyMap<string, string>;

/** The branches and tags, by full names. */
export async function refsOf(bare: string): Promise<Refs> {
  const listed = await git(bare, [
    'for-each-ref',
    '--format=%(refname) %(objectname)',
    'refs/heads',
    'refs/tags',
  ]);
  return new Map(lines(listed).map((line) => line.split(' ') as [string, string]));
}

/** The commit of a name, a branch or a tag. */
export async function commitOf(bare: string, name: string): Promise<string | undefined> {
  const exact = name.startsWith('refs/') || /^[0-9a-f]{40}$/.test(name);
  if (name.startsWith('-')) return undefined;
  for (const candidate of exact ? [name] : [`refs/heads/${name}`, `refs/tags/${name}`, name]) {
    const found = await askGit(bare, ['rev-parse', '--verify', '--quiet', `${candidate}^{commit}`]);
    if (found !== undefined) return found;
  }
  return undefined;
}

export async function isAncestor(bare: string, ancestor: string, of: string): Promise<boolean> {
  return (await askGit(bare, ['merge-base', '--is-ancestor', ancestor, of])) !== undefined;
}

export function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

export interface Commit {
  readonly sha: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: Signature;
  readonly committer: Signature;
  readonly message: string;
  /** Its changes to files against its first parent; empty unless requested. */
  readonly changes: readonly { readonly status: string; readonly path: string }[];
}

interface Signature {
  readonly name: string;
  readonly email: string;
  readonly date: string;
}

/** Commits as `git log` selects them, the newest first. */
export async function log(
  bare: string,
  args: readonly string[],
  options: { readonly changes?: boolean } = {},
): Promise<Commit[]> {
  const format = '--format=%x1e%H%x1f%T%x1f%P%x1f%an%x1f%ae%x1f%aI%x1f%cn%x1f%ce%x1f%cI%x1f%B%x1f';
  const flags =
    options.changes === true ? ['--name-status', '--no-renames', '--diff-merges=first-parent'] : [];
  const printed = await git(bare, ['-c', 'core.quotePath=false', 'log', format, ...flags, ...args]);
  return printed
    .split('\u001E')
    .slice(1)
    .map((record) => {
      const [sha, tree, parents, an, ae, ad, cn, ce, cd, message, changed] = record.split('\u001F');
      return {
        sha: sha ?? '',
        tree: tree ?? '',
        parents: (parents ?? '').split(' ').filter((parent) => parent !== ''),
        author: { name: an ?? '', email: ae ?? '', date: ad ?? '' },
        committer: { name: cn ?? '', email: ce ?? '', date: cd ?? '' },
        message: (message ?? '').trimEnd(),
        changes: lines(changed ?? '').map((line) => {
          const [status = '', path = ''] = line.split('\t');
          return { status, path };
        }),
      };
    });
}
