import { execa } from 'execa';
import { LRUCache } from 'lru-cache';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

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
  const question = isFixed(args) ? JSON.stringify([bare, ...args]) : undefined;
  const known = question === undefined ? undefined : answers.get(question);
  if (known !== undefined) return known;
  const { stdout, failed } = await execa('git', ['-C', bare, ...args], {
    reject: false,
    extendEnv: false,
    env: GIT_ENVIRONMENT,
    maxBuffer: 256 * 1024 * 1024,
  });
  if (failed) return undefined;
  if (question !== undefined) answers.set(question, stdout);
  return stdout;
}

/** Answers about commits that are named by their ids: they stay true, and a git costs ten milliseconds. */
const answers = new LRUCache<string, string>({ max: 1_000 });
const ID = /^[0-9a-f]{40}$/;
const FIXED = new Set(['diff', 'merge-base', 'rev-list', 'rev-parse']);
const FLAG = /^(?:-M|--(?!all$)[a-z-]+)$/;
const IDS = /^\^?[0-9a-f]{40}(?:\.\.\.[0-9a-f]{40}|\^\{commit\})?$/;

function isFixed([command = '', ...args]: readonly string[]): boolean {
  return FIXED.has(command) && args.every((arg) => FLAG.test(arg) || IDS.test(arg));
}

export type Refs = ReadonlyMap<string, string>;

/** The branches and tags, by full names. Read without a git: it is the most frequent question. */
export async function refsOf(bare: string): Promise<Refs> {
  // First the loose ones: when git packs one meanwhile it is in the packed ones by the time that its file goes.
  const loose = [await looseRefs(bare, 'refs/heads'), await looseRefs(bare, 'refs/tags')].flat();
  const packed = await readFile(join(bare, 'packed-refs'), 'utf8').catch(() => '');
  const entries = lines(packed).filter((line) => /^[0-9a-f]{40} refs\/(?:heads|tags)\//.test(line));
  const refs = new Map(entries.map((line) => [line.slice(41), line.slice(0, 40)]));
  for (const [name, id] of loose) refs.set(name, id);
  return new Map([...refs].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
}

/** What has just gone is passed over. */
async function looseRefs(bare: string, directory: string): Promise<readonly (readonly [string, string])[]> {
  const entries = await readdir(join(bare, directory), { withFileTypes: true }).catch(() => []);
  const refs = await Promise.all(
    entries.map(async (entry) => {
      const name = `${directory}/${entry.name}`;
      if (entry.isDirectory()) return looseRefs(bare, name);
      const id = (await readFile(join(bare, name), 'utf8').catch(() => '')).trim();
      return name.endsWith('.lock') || !ID.test(id) ? [] : [[name, id] as const];
    }),
  );
  return refs.flat();
}

/** The commit of a name, a branch or a tag. */
export async function commitOf(bare: string, name: string): Promise<string | undefined> {
  const exact = name.startsWith('refs/') || ID.test(name);
  if (name.startsWith('-')) return undefined;
  const refs = await refsOf(bare);
  for (const candidate of exact ? [name] : [`refs/heads/${name}`, `refs/tags/${name}`, name]) {
    const found = candidate.startsWith('refs/heads/')
      ? refs.get(candidate)
      : await askGit(bare, ['rev-parse', '--verify', '--quiet', `${candidate}^{commit}`]);
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
