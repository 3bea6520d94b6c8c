import { basename, dirname, join } from 'node:path';
import { ChooError, messageOf } from '../errors.ts';
import type { Branches, Origin } from './branches.ts';
import type { Git } from './git.ts';
import { RefUpdater } from './ref-updater.ts';
import { normalizeRemote } from './remote-address.ts';

/** The branches of a repository on this machine. */
export class LocalBranches implements Branches, AsyncDisposable {
  readonly #git: Git;
  readonly #updater: RefUpdater;

  constructor(git: Git) {
    this.#git = git;
    this.#updater = new RefUpdater(git);
  }

  async heads(below: string): Promise<ReadonlyMap<string, string>> {
    const format = '--format=%(objectname) %(refname:lstrip=2)';
    const refs = await this.#git.run('for-each-ref', format, `refs/heads/${below}`);
    const lines = refs.split('\n').filter((line) => line !== '');
    return new Map(
      lines.map((line) => [line.slice(line.indexOf(' ') + 1), line.slice(0, line.indexOf(' '))]),
    );
  }

  async head(branch: string): Promise<string | undefined> {
    const ref = `refs/heads/${branch}`;
    const found = await this.#git.run('for-each-ref', '--format=%(refname) %(objectname)', ref);
    const line = found.split('\n').find((each) => each.startsWith(`${ref} `));
    return line?.slice(ref.length + 1);
  }

  /** The remote called `origin`, without a password; the repository itself where there is none that choo accepts. */
  async origin(): Promise<Origin> {
    const { directory } = this.#git;
    const itself = basename(directory) === '.git' ? dirname(directory) : directory;
    const { stdout } = await this.#git.ask('config', '--get', 'remote.origin.url');
    const remote = originOf(stdout.replace(/\n$/, '')) ?? itself;
    return { remote, near: join(directory, 'modules'), contents: join(directory, 'lfs/objects') };
  }

  /** Does nothing: choo's repository shares their objects. */
  async fetch(): Promise<void> {}

  async publish(branch: string, head: string, expected: string | undefined): Promise<void> {
    const old = expected ?? '0'.repeat(head.length);
    try {
      await this.#updater.update(`refs/heads/${branch}`, { from: old, to: head });
    } catch (cause) {
      if ((await this.head(branch)) === head) return; // already moved, most likely by a choo that crashed
      throw publishError(branch, expected, cause);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#updater[Symbol.asyncDispose]();
  }
}

function originOf(text: string): string | undefined {
  try {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url?.protocol !== 'https:') return normalizeRemote(text);
    [url.username, url.password] = ['', ''];
    return normalizeRemote(url.href);
  } catch {
    return undefined;
  }
}

function publishError(branch: string, expected: string | undefined, cause: unknown): unknown {
  const message = messageOf(cause);
  const inTheWay = /'refs\/heads\/([^']+)' exists; cannot create/.exec(message)?.[1];
  if (inTheWay !== undefined) {
    return new ChooError('conflict', `the branch \`${inTheWay}\` leaves no room for \`${branch}\``, {
      hint: `rename it: \`git branch -m ${inTheWay} <new name>\``,
      cause,
    });
  }
  if (!/ but expected |reference already exists|unable to resolve reference/.test(message)) return cause;
  return new ChooError('conflict', `the branch \`${branch}\` is not where choo left it`, {
    hint: `expected ${expected ?? 'no such branch'}; look at it with \`git log ${branch}\``,
    cause,
  });
}
