import { createHash } from 'node:crypto';
import { basename, isAbsolute, join, normalize } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ChooError } from '../errors.ts';
import { openGit } from './git.ts';
import { type Branches, cacheDirectory } from './repository.ts';

/** Settings of git for the commands that reach a remote, such as a header with a token; asked for each time. */
export type Credentials = () => Promise<Readonly<Record<string, string>>>;

/** How often a command that a network failed is tried, and how long after the first time. Milliseconds. */
const TRIES = 4;
const FIRST_PAUSE_MS = 500;
/** Of what a host says so much is told on. Characters. */
const WORDS = 1_000;

/** What git says when it was the network, or a server that may be well again soon. */
const NETWORK =
  /could not resolve|connection (?:refused|timed out|reset|closed)|failed to connect|early eof|unexpected disconnect|the remote end hung up|rpc failed|timed out|returned error: (?:5\d\d|429)|empty reply|could not read from remote/i;
/** And when another choo on the same data directory fetched at the same moment. */
const FETCHED_AT_ONCE =
  /cannot lock ref|unable to update local ref|incorrect old value|\.lock': File exists/i;

/** The branches of a remote, and what of it was fetched into choo's own repository. */
export class RemoteBranches implements Branches {
  readonly #remote: string;
  /** choo's own repository for it. */
  readonly #directory: string;
  readonly #searchPath: string;
  readonly #credentials: Credentials;
  #fetching: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** `remote` is normalized; `home` is its place in the data directory, where {@link Repository.openRemote} makes the rest. */
  constructor(remote: string, home: string, searchPath: string, credentials: Credentials = async () => ({})) {
    this.#remote = remote;
    this.#directory = cacheDirectory(home);
    this.#searchPath = searchPath;
    this.#credentials = credentials;
  }

  /** Brings all branches here, as they are at some moment after the call. Who calls meanwhile shares the next one. */
  async fetch(): Promise<void> {
    if (this.#fetching === undefined) {
      this.#fetching = this.#fetch().finally(() => (this.#fetching = undefined));
      return this.#fetching;
    }
    this.#next ??= this.#fetching
      .catch(() => {})
      .then(async () => {
        this.#next = undefined;
        return this.fetch();
      });
    return this.#next;
  }

  /** Where a branch stood when it was fetched last. */
  async fetchedHead(branch: string): Promise<string | undefined> {
    const ref = `refs/remotes/origin/${branch}`;
    const git = openGit(this.#directory, this.#searchPath, { gitDirectory: this.#directory });
    const found = await git.run('for-each-ref', '--format=%(refname) %(objectname)', ref);
    return found
      .split('\n')
      .find((line) => line.startsWith(`${ref} `))
      ?.slice(ref.length + 1);
  }

  /** The branch the remote's HEAD names. */
  async defaultBranch(): Promise<string | undefined> {
    const answer = await this.#reach('ls-remote', '--symref', this.#remote, 'HEAD');
    return /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(answer)?.[1];
  }

  async head(branch: string): Promise<string | undefined> {
    return (await this.#list(`refs/heads/${branch}`)).get(branch);
  }

  async heads(below: string): Promise<ReadonlyMap<string, string>> {
    const found = await this.#list(`refs/heads/${below}*`);
    return new Map([...found].filter(([branch]) => branch.startsWith(below)));
  }

  /** By a push that the remote takes only from the expected commit on. */
  async publish(branch: string, head: string, expected: string | undefined): Promise<void> {
    const ref = `refs/heads/${branch}`;
    const lease = `--force-with-lease=${ref}:${expected ?? ''}`;
    const words = ['--quiet', '--no-verify', '--no-follow-tags', '--recurse-submodules=no', lease];
    try {
      await this.#reach('push', ...words, this.#remote, `${head}:${ref}`);
    } catch (cause) {
      // The answer may have been lost, or a choo that crashed had pushed it.
      if ((await this.head(branch)) === head) return;
      throw pushError(branch, expected, cause);
    }
  }

  async #list(pattern: string): Promise<ReadonlyMap<string, string>> {
    const answer = await this.#reach('ls-remote', '--refs', this.#remote, pattern);
    return new Map(
      answer.split('\n').flatMap((line) => {
        const [id = '', ref = ''] = line.split('\t');
        return ref.startsWith('refs/heads/') ? [[ref.slice('refs/heads/'.length), id] as const] : [];
      }),
    );
  }

  async #fetch(): Promise<void> {
    const words = ['--quiet', '--no-tags', '--prune', '--no-write-fetch-head', '--no-recurse-submodules'];
    await this.#reach('fetch', ...words, this.#remote, '+refs/heads/*:refs/remotes/origin/*');
  }

  /** Runs a command that reaches the remote; again when it was the network. */
  async #reach(...args: readonly string[]): Promise<string> {
    for (let tries = 1; ; tries += 1) {
      const git = openGit(this.#directory, this.#searchPath, {
        gitDirectory: this.#directory,
        network: { transports: ['https', 'http', 'ssh', 'file'] },
        settings: await this.#credentials(),
      });
      try {
        return await git.run(...args);
      } catch (error) {
        const words = error instanceof Error ? error.message : '';
        const isNetwork = NETWORK.test(words) && !REFUSED.test(words);
        if (!isNetwork && !FETCHED_AT_ONCE.test(words)) throw error;
        if (tries >= TRIES) throw isNetwork ? unreachable(this.#remote, error) : error;
      }
      await wait(FIRST_PAUSE_MS * 2 ** (tries - 1) * (0.5 + Math.random()));
    }
  }
}

/** A rule of the host, not a moment's trouble. */
const REFUSED =
  /remote rejected|hook declined|protected branch|GH0\d\d|denied|not found|does not exist|authentication failed/i;

function unreachable(remote: string, cause: unknown): ChooError {
  const words = cause instanceof Error ? cause.message : String(cause);
  return new ChooError('environment', `\`${remote}\` cannot be reached: ${told(words)}`, {
    hint: 'it is tried again later',
    cause,
  });
}

function pushError(branch: string, expected: string | undefined, cause: unknown): unknown {
  if (!(cause instanceof ChooError) || cause.code !== 'git') return cause;
  const inTheWay = /'refs\/heads\/([^']+)' exists; cannot create/.exec(cause.message)?.[1];
  if (inTheWay !== undefined)
    return new ChooError('conflict', `the branch \`${inTheWay}\` leaves no room for \`${branch}\``, {
      hint: 'rename it on the remote',
      cause,
    });
  if (
    /stale info|fetch first|non-fast-forward|incorrect old value|reference already exists/i.test(
      cause.message,
    )
  )
    return new ChooError('conflict', `the branch \`${branch}\` is not where choo left it`, {
      hint: `expected ${expected ?? 'no such branch'}; look at what was pushed to it`,
      cause,
    });
  return new ChooError('git', `the remote does not take \`${branch}\`: ${told(cause.message)}`, { cause });
}

/** What a host says, fit to be shown: its own lines first. */
function told(words: string): string {
  const lines = words.split('\n').map((line) => line.replaceAll(/[\0-\x1f\x7f-\x9f]+/g, ' ').trim());
  const own = lines.filter((line) => line.startsWith('remote:') && line !== 'remote:');
  return (own.length > 0 ? own.map((line) => line.slice('remote:'.length).trim()) : lines)
    .join(' ')
    .slice(0, WORDS);
}

/**
 * A remote in the form that choo knows it by. Throws a ChooError (`usage`) for what git could take for something else than a
 * repository to read and write: other transports, options, credentials, plain text over a network.
 */
export function normalizeRemote(text: string): string {
  const refuse = (why: string): ChooError =>
    new ChooError('usage', `\`${text}\` is not a remote that choo works with: ${why}`, {
      hint: 'an https or ssh address, or an absolute path',
    });
  if (text.startsWith('-') || /[\0-\x20\x7f]/.test(text))
    throw refuse('it has characters that no remote has');
  if (isAbsolute(text)) return normalize(text).replace(/(.)\/+$/, '$1');
  if (/^[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:(?!:)[^:]+$/.test(text)) return text.replace(/\/+$/, ''); // user@host:path
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw refuse('it is neither an address nor an absolute path');
  if (url.protocol === 'file:' && url.host === '') return normalizeRemote(fileURLToPath(url));
  if (url.password !== '' || (url.username !== '' && url.protocol !== 'ssh:'))
    throw refuse('credentials do not belong there');
  if (url.search !== '' || url.hash !== '') throw refuse('it has more than a path');
  const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol === 'http:' && !isLoopback) throw refuse('http can be read by everybody on the way');
  if (!['https:', 'http:', 'ssh:'].includes(url.protocol)) throw refuse(`choo does not use ${url.protocol}`);
  return url.href.replace(/\/+$/, '');
}

/** The directory under choo's data directory that belongs to one remote. */
export function remoteHome(dataDirectory: string, remote: string): string {
  const hash = createHash('sha256').update(remote).digest('hex').slice(0, 12);
  const name = basename(remote.replace(/\.git$/, '')).replaceAll(/[^A-Za-z0-9._-]/g, '-');
  return join(dataDirectory, 'repositories', `${name}-${hash}`);
}
