import { isAbsolute, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import pRetry from 'p-retry';
import { ChooError, messageOf } from '../errors.ts';
import type { Branches } from './branches.ts';
import { openGit } from './git.ts';
import { cacheDirectory } from './repository.ts';
import { SharedWork } from './shared-work.ts';

/**
 * Where a remote is now, normalized, and settings of git for the commands that reach it, such as a header with a token; asked
 * for each time, because both change. `renew`: the settings from before were not believed. What it throws ends the command.
 */
export type Access = (renew: boolean) => Promise<{
  readonly remote: string;
  readonly settings: Readonly<Record<string, string>>;
}>;

/** How often a command that a network failed is tried, and how long after the first time. Milliseconds. */
const TRIES = 4;
const FIRST_PAUSE_MS = 500;
/** How often when somebody else was faster: that passes by itself, sooner or later. */
const TRIES_AT_ONCE = 10;
/** How much longer than the pause before each one is. */
const GROWTH = 1.3;
/** Of what a host says so much is told on. Characters. */
const WORDS = 1_000;

/** What git says when it was the network, or a server that may be well again soon. */
const NETWORK =
  /could not resolve|connection (?:refused|timed out|reset|closed)|failed to connect|couldn't connect|early eof|unexpected disconnect|the remote end hung up|rpc failed|timed out|transfer closed|recv failure|send failure|returned error: (?:5\d\d|429)|empty reply|could not read from remote/i;
/** A rule of the host, not a moment's trouble. */
const REFUSED =
  /remote rejected|hook declined|protected branch|\bGH0\d\d\b|\sdenied\b|not found|does not exist|does not appear to be|authentication failed|host key verification failed/i;
/** It asks who that is: what it was shown is not good, or not any more. */
const UNBELIEVED = /authentication failed|could not read username|returned error: 401/i;
/** And when somebody else moved the same ref at the same moment: another choo that fetches, or pushes. */
const AT_ONCE =
  /cannot lock ref|unable to update local ref|incorrect old value|could not delete reference|\.lock': File exists/i;
/** What no second try changes: a branch of the remote that leaves no room for another. */
const IN_THE_WAY = /'refs\/heads\/([^']+)' exists; cannot create/;
/** The lease did not hold: seen here, where git says nothing else, or by the host, where somebody was faster. */
const MOVED =
  /^ ! \[rejected\]|^(?:remote: (?:error|fatal): | ! \[remote rejected\] ).*(?:incorrect old value|reference already exists|but expected|unable to resolve reference)/m;

/** The branches of a remote, and what of it was fetched into choo's own repository. */
export class RemoteBranches implements Branches {
  readonly #access: Access;
  /** choo's own repository for it. */
  readonly #directory: string;
  readonly #searchPath: string;
  readonly #firstPauseMs: number;
  #fetching: SharedWork | undefined;
  #next: SharedWork | undefined;

  /**
   * `home` is its place in the data directory, where {@link Repository.openRemote} makes the rest.
   * `firstPauseMs` is how long it waits before the second try; the pauses after it are longer.
   */
  constructor(access: Access, home: string, searchPath: string, { firstPauseMs = FIRST_PAUSE_MS } = {}) {
    this.#access = access;
    this.#directory = cacheDirectory(home);
    this.#searchPath = searchPath;
    this.#firstPauseMs = firstPauseMs;
  }

  /**
   * Brings all branches here, as they are at some moment after the call. Who calls meanwhile shares the next one. Git ends
   * when the signals of all who share one have aborted.
   */
  async fetch(signal?: AbortSignal): Promise<void> {
    if (this.#fetching === undefined) {
      this.#fetching = this.#share(undefined);
      return this.#fetching.join(signal);
    }
    if (this.#next === undefined || this.#next.isStopped)
      this.#next = this.#share(this.#next ?? this.#fetching);
    return this.#next.join(signal);
  }

  #share(before: SharedWork | undefined): SharedWork {
    const shared = new SharedWork(async (signal) => {
      await before?.ended();
      try {
        signal.throwIfAborted();
        await this.#fetch(signal);
      } finally {
        if (this.#fetching === shared) {
          this.#fetching = this.#next;
          this.#next = undefined;
        }
      }
    });
    return shared;
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
  async defaultBranch(signal?: AbortSignal): Promise<string | undefined> {
    const answer = await this.#read((remote) => ['ls-remote', '--symref', remote, 'HEAD'], signal);
    return /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(answer)?.[1];
  }

  async head(branch: string): Promise<string | undefined> {
    return (await this.#list(`refs/heads/${branch}`)).get(branch);
  }

  async heads(below: string, signal?: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const found = await this.#list(`refs/heads/${below}*`, signal);
    return new Map([...found].filter(([branch]) => branch.startsWith(below)));
  }

  /** By a push that the remote takes only from the expected commit on. */
  async publish(branch: string, head: string, expected: string | undefined): Promise<void> {
    const ref = `refs/heads/${branch}`;
    const lease = `--force-with-lease=${ref}:${expected ?? ''}`;
    const words = ['--quiet', '--no-verify', '--no-follow-tags', '--recurse-submodules=no', lease];
    try {
      await this.#reach((remote) => ['push', ...words, remote, `${head}:${ref}`]);
    } catch (cause) {
      // The answer may have been lost, or a choo that crashed had pushed it.
      if ((await this.head(branch)) === head) return;
      throw pushError(branch, expected, cause);
    }
  }

  /** Deletes a branch that stands at the expected commit. One that is gone already is no error. */
  async remove(branch: string, expected: string): Promise<void> {
    try {
      await this.publish(branch, '', expected);
    } catch (error) {
      if ((await this.head(branch)) !== undefined) throw error;
    }
  }

  async #list(pattern: string, signal?: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const answer = await this.#read((remote) => ['ls-remote', '--refs', remote, pattern], signal);
    return new Map(
      answer.split('\n').flatMap((line) => {
        const [id = '', ref = ''] = line.split('\t');
        return ref.startsWith('refs/heads/') ? [[ref.slice('refs/heads/'.length), id] as const] : [];
      }),
    );
  }

  async #fetch(signal: AbortSignal): Promise<void> {
    const words = ['--quiet', '--no-tags', '--prune', '--no-write-fetch-head', '--no-recurse-submodules'];
    await this.#read((remote) => ['fetch', ...words, remote, '+refs/heads/*:refs/remotes/origin/*'], signal);
  }

  /** The same as {@link #reach} for what only reads, with a host's refusal in words that can be shown. */
  async #read(command: (remote: string) => readonly string[], signal?: AbortSignal): Promise<string> {
    let address = '';
    try {
      return await this.#reach((remote) => {
        address = remote;
        return command(remote);
      }, signal);
    } catch (cause) {
      if (!isOfGit(cause)) throw cause;
      throw new ChooError('git', `\`${address}\` cannot be read: ${told(cause.message)}`, { cause });
    }
  }

  /** Runs a command that reaches the remote where it is; again when it was the network. */
  async #reach(command: (remote: string) => readonly string[], signal?: AbortSignal): Promise<string> {
    let [at, renew] = ['', false];
    const run = async (): Promise<string> => {
      const { remote, settings } = await this.#access(renew);
      at = remote;
      const git = openGit(this.#directory, this.#searchPath, {
        gitDirectory: this.#directory,
        network: { transports: ['https', 'http', 'ssh', 'file'] },
        settings,
        signal,
      });
      return git.run(...command(remote));
    };
    const runBelieved = async (): Promise<string> =>
      run().catch(async (error: unknown) => {
        signal?.throwIfAborted();
        // A token may end, or be taken back, before its time.
        if (renew || !UNBELIEVED.test(messageOf(error))) throw error;
        renew = true;
        return run();
      });
    try {
      return await pRetry(runBelieved, {
        retries: TRIES_AT_ONCE - 1,
        minTimeout: this.#firstPauseMs,
        factor: GROWTH,
        randomize: true,
        signal,
        shouldRetry: ({ error, attemptNumber }) =>
          isNetwork(error) ? attemptNumber < TRIES : isAtOnce(error),
      });
    } catch (error) {
      throw isNetwork(error) ? unreachable(at, error) : error;
    }
  }
}

function isNetwork(error: unknown): boolean {
  return isOfGit(error) && NETWORK.test(error.message) && !REFUSED.test(error.message);
}

function isAtOnce(error: unknown): boolean {
  return isOfGit(error) && AT_ONCE.test(error.message) && !IN_THE_WAY.test(error.message);
}

function isOfGit(error: unknown): error is ChooError {
  return error instanceof ChooError && error.code === 'git';
}

function unreachable(remote: string, cause: unknown): ChooError {
  const words = messageOf(cause);
  return new ChooError('environment', `\`${remote}\` cannot be reached: ${told(words)}`, {
    hint: 'it is tried again later',
    cause,
  });
}

function pushError(branch: string, expected: string | undefined, cause: unknown): unknown {
  if (!isOfGit(cause)) return cause;
  const inTheWay = IN_THE_WAY.exec(cause.message)?.[1];
  if (inTheWay !== undefined)
    return new ChooError('conflict', `the branch \`${inTheWay}\` leaves no room for \`${branch}\``, {
      hint: 'rename it on the remote',
      cause,
    });
  if (MOVED.test(cause.message))
    return new ChooError('conflict', `the branch \`${branch}\` is not where choo left it`, {
      hint: `expected ${expected ?? 'no such branch'}; look at what was pushed to it`,
      cause,
    });
  return new ChooError('git', `the remote does not take \`${branch}\`: ${told(cause.message)}`, { cause });
}

/** What a host says, fit to be shown: its own lines first. */
function told(words: string): string {
  const lines = words.split('\n').map((line) => visible(line).trim());
  const own = lines.filter((line) => line.startsWith('remote:') && line !== 'remote:');
  return (own.length > 0 ? own.map((line) => line.slice('remote:'.length).trim()) : lines)
    .join(' ')
    .slice(0, WORDS);
}

/** Control characters, and those that turn the direction of a line around, become spaces. */
function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028-\u202e\u2066-\u2069]+/gu, ' ');
}

/**
 * A remote in the form that choo knows it by. Throws a ChooError (`usage`) for what git could take for something else than a
 * repository to read and write: other transports, options, credentials, plain text over a network.
 */
export function normalizeRemote(text: string): string {
  const refuse = (why: string): ChooError =>
    new ChooError('usage', `\`${withoutSecrets(text)}\` is not a remote that choo works with: ${why}`, {
      hint: 'an https or ssh address, or an absolute path',
    });
  if (text.startsWith('-') || /[\p{Cc} ]/u.test(text)) throw refuse('it has characters that no remote has');
  if (isAbsolute(text)) return normalize(text).replace(/(?<=[^/])\/+$/, '');
  if (/^[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:(?!:)[^:]+$/.test(text)) return text.replace(/(?<!\/)\/+$/, ''); // user@host:path
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw refuse('it is neither an address nor an absolute path');
  if (url.password !== '' || (url.username !== '' && url.protocol !== 'ssh:'))
    throw refuse('credentials do not belong there');
  if (/[?#]/.test(url.href)) throw refuse('it has more than a path');
  if (/%(?:[01][0-9a-f]|7f)/i.test(url.href)) throw refuse('it has characters that no remote has');
  if (url.protocol === 'file:' && url.host === '' && !/%2f/i.test(url.pathname))
    return normalizeRemote(fileURLToPath(url));
  const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol === 'http:' && !isLoopback) throw refuse('http can be read by everybody on the way');
  if (!['https:', 'http:', 'ssh:'].includes(url.protocol)) throw refuse(`choo does not use ${url.protocol}`);
  // ssh would take these for options; git refuses them too, and is not the only one who should.
  if (!/^(?!-)[A-Za-z0-9_.-]*$/.test(url.username) || !/^(?!-)[A-Za-z0-9_.:[\]-]+$/.test(url.hostname))
    throw refuse('that is no user or host');
  return url.href.replace(/(?<!\/)\/+$/, '');
}

/** What was given, for a message: what may be a password or a token is left out. */
function withoutSecrets(text: string): string {
  const shown = visible(text);
  const scheme = /^[^:/\\]*:[/\\]*/.exec(shown)?.[0] ?? '';
  const userEnd = shown.lastIndexOf('@');
  const named = scheme === '' || userEnd < scheme.length ? shown : `${scheme}…${shown.slice(userEnd)}`;
  return named.replace(/[?#][^]*/, '…');
}
