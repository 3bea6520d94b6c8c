import pRetry from 'p-retry';
import { ChooError, messageOf } from '../errors.ts';
import type { Branches, Origin } from './branches.ts';
import { openGit } from './git.ts';

import { visible } from './remote-address.ts';
import { cacheDirectory } from './repository.ts';
import { SharedTask } from './shared-task.ts';

/**
 * Returns the current normalized address of a remote and git settings to reach it, such as a token's header. Called before
 * each command, because both change. `renew`: the host rejected the previous settings. What it throws ends the command.
 */
export type Access = (renew: boolean) => Promise<{
  readonly remote: string;
  readonly settings: Readonly<Record<string, string>>;
}>;

/** Attempts of a command that fails by the network, and the pause after the first. Milliseconds. */
const MAX_NETWORK_ATTEMPTS = 4;
const FIRST_PAUSE_MS = 500;
/** Attempts when another process moved the same ref at the same time, which is transient. */
const MAX_ATTEMPTS = 10;
/** Each pause is longer than the last by this factor. */
const PAUSE_FACTOR = 1.3;
/** A host's message is cut after this. Characters. */
const MAX_MESSAGE_LENGTH = 1_000;

/** git's messages for network failures and temporary server errors. */
const NETWORK =
  /could not resolve|connection (?:refused|timed out|reset|closed)|failed to connect|couldn't connect|early eof|unexpected disconnect|the remote end hung up|rpc failed|timed out|transfer closed|recv failure|send failure|returned error: (?:5\d\d|429)|empty reply|could not read from remote/i;
/** A permanent refusal by the host, although the message may also match `NETWORK`. */
const REFUSED =
  /remote rejected|hook declined|protected branch|\bGH0\d\d\b|\sdenied\b|not found|does not exist|does not appear to be|authentication failed|host key verification failed/i;
/** GitHub's words to an App that may only read. */
const NOT_GRANTED = /write access to repository not granted/i;
/** The host rejects the credentials, or they have expired. */
const BAD_CREDENTIALS = /authentication failed|could not read username|returned error: 401/i;
/** Another process, such as a choo that fetches or pushes, moved the same ref at the same time. */
const CONCURRENT_CHANGE =
  /cannot lock ref|unable to update local ref|incorrect old value|could not delete reference|\.lock': File exists/i;
/** Permanent: an existing branch of the remote prevents this name. */
const REF_CONFLICT = /'refs\/heads\/([^']+)' exists; cannot create/;
/** The push lease failed: noticed here, where git prints nothing else, or by the host, when another push was faster. */
const LEASE_FAILED =
  /^ ! \[rejected\]|^(?:remote: (?:error|fatal): | ! \[remote rejected\] ).*(?:incorrect old value|reference already exists|but expected|unable to resolve reference)/m;

/** Options of every fetch. */
const FETCH = ['--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules'];

/** The branches of a remote, and those fetched into choo's copy of it. */
export class RemoteBranches implements Branches {
  readonly #access: Access;
  /** choo's copy. */
  readonly #directory: string;
  readonly #searchPath: string;
  readonly #firstPauseMs: number;
  #fetching: SharedTask | undefined;
  #next: SharedTask | undefined;

  /**
   * `home` is its directory below the data directory, in which {@link Repository.openRemote} creates the copy.
   * `firstPauseMs` is the pause before the second attempt; later pauses are longer.
   */
  constructor(access: Access, home: string, searchPath: string, { firstPauseMs = FIRST_PAUSE_MS } = {}) {
    this.#access = access;
    this.#directory = cacheDirectory(home);
    this.#searchPath = searchPath;
    this.#firstPauseMs = firstPauseMs;
  }

  /**
   * Fetches all branches, as they are at some moment after the call. Calls during a fetch share the next one. git ends
   * when the signals of all callers that share it have aborted.
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

  #share(before: SharedTask | undefined): SharedTask {
    const shared = new SharedTask(async (signal) => {
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

  /** Fetches the last head of a pull request on GitHub, whose branch may be gone. It is on no branch. */
  async fetchPull(number: number, signal?: AbortSignal): Promise<void> {
    await this.#read((remote) => ['fetch', ...FETCH, remote, `refs/pull/${number}/head`], signal);
  }

  /** The head of a branch at the last fetch. */
  async fetchedHead(branch: string): Promise<string | undefined> {
    const ref = `refs/remotes/origin/${branch}`;
    const git = openGit(this.#directory, this.#searchPath, { gitDirectory: this.#directory });
    const found = await git.run('for-each-ref', '--format=%(refname) %(objectname)', ref);
    return found
      .split('\n')
      .find((line) => line.startsWith(`${ref} `))
      ?.slice(ref.length + 1);
  }

  /** The heads of all branches below a name at the last fetch, by branch. `below` ends in a slash. */
  async fetchedHeads(below: string): Promise<ReadonlyMap<string, string>> {
    const git = openGit(this.#directory, this.#searchPath, { gitDirectory: this.#directory });
    const format = '--format=%(objectname) %(refname:lstrip=3)';
    const found = await git.run('for-each-ref', format, `refs/remotes/origin/${below}`);
    const lines = found.split('\n').filter((line) => line !== '');
    return new Map(
      lines.map((line) => [line.slice(line.indexOf(' ') + 1), line.slice(0, line.indexOf(' '))]),
    );
  }

  async origin(): Promise<Origin> {
    const { remote, settings } = await this.#access(false);
    const header = /^authorization: (\S.*)$/i.exec(settings[`http.${remote}.extraHeader`] ?? '');
    return { remote, near: undefined, contents: undefined, authorization: header?.[1] };
  }

  /** The branch that the remote's HEAD names. */
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

  /** Pushes with a lease: the remote accepts the push only if the branch is at the expected commit. */
  async publish(branch: string, head: string, expected: string | undefined): Promise<void> {
    const ref = `refs/heads/${branch}`;
    const lease = `--force-with-lease=${ref}:${expected ?? ''}`;
    const options = ['--quiet', '--no-verify', '--no-follow-tags', '--recurse-submodules=no', lease];
    try {
      await this.#reach((remote) => ['push', ...options, remote, `${head}:${ref}`]);
    } catch (cause) {
      // The response was lost, or a choo that crashed had already pushed it.
      if ((await this.head(branch)) === head) return;
      throw pushError(branch, expected, cause);
    }
  }

  /** Deletes a branch whose head is the expected commit. A missing branch is no error. */
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
    const all = '+refs/heads/*:refs/remotes/origin/*';
    await this.#read((remote) => ['fetch', ...FETCH, '--prune', remote, all], signal);
  }

  /** {@link #reach} for a command that only reads; makes a host's refusal safe to show. */
  async #read(command: (remote: string) => readonly string[], signal?: AbortSignal): Promise<string> {
    let address = '';
    try {
      return await this.#reach((remote) => {
        address = remote;
        return command(remote);
      }, signal);
    } catch (cause) {
      if (!isGitError(cause)) throw cause;
      throw new ChooError('git', `\`${address}\` cannot be read: ${hostMessage(cause.message)}`, { cause });
    }
  }

  /** Runs a command at the remote's current address. Retries network failures. */
  async #reach(command: (remote: string) => readonly string[], signal?: AbortSignal): Promise<string> {
    let [address, renew] = ['', false];
    const run = async (): Promise<string> => {
      const { remote, settings } = await this.#access(renew);
      address = remote;
      const git = openGit(this.#directory, this.#searchPath, {
        gitDirectory: this.#directory,
        network: { transports: ['https', 'http', 'ssh', 'file'] },
        settings,
        signal,
      });
      return git.run(...command(remote));
    };
    const runRenewing = async (): Promise<string> =>
      run().catch(async (error: unknown) => {
        signal?.throwIfAborted();
        // A token may expire or be revoked early.
        if (renew || !BAD_CREDENTIALS.test(messageOf(error))) throw error;
        renew = true;
        return run();
      });
    try {
      return await pRetry(runRenewing, {
        retries: MAX_ATTEMPTS - 1,
        minTimeout: this.#firstPauseMs,
        factor: PAUSE_FACTOR,
        randomize: true,
        signal,
        shouldRetry: ({ error, attemptNumber }) =>
          isNetwork(error) ? attemptNumber < MAX_NETWORK_ATTEMPTS : isConcurrentChange(error),
      });
    } catch (error) {
      throw isNetwork(error) ? unreachable(address, error) : error;
    }
  }
}

function isNetwork(error: unknown): boolean {
  return isGitError(error) && NETWORK.test(error.message) && !REFUSED.test(error.message);
}

function isConcurrentChange(error: unknown): boolean {
  return isGitError(error) && CONCURRENT_CHANGE.test(error.message) && !REF_CONFLICT.test(error.message);
}

function isGitError(error: unknown): error is ChooError {
  return error instanceof ChooError && error.code === 'git';
}

function unreachable(remote: string, cause: unknown): ChooError {
  return new ChooError('environment', `\`${remote}\` cannot be reached: ${hostMessage(messageOf(cause))}`, {
    hint: 'choo retries later',
    cause,
  });
}

function pushError(branch: string, expected: string | undefined, cause: unknown): unknown {
  if (!isGitError(cause)) return cause;
  const inTheWay = REF_CONFLICT.exec(cause.message)?.[1];
  if (inTheWay !== undefined)
    return new ChooError('conflict', `the branch \`${inTheWay}\` leaves no room for \`${branch}\``, {
      hint: 'rename it on the remote',
      cause,
    });
  if (LEASE_FAILED.test(cause.message))
    return new ChooError('conflict', `the branch \`${branch}\` is not where choo left it`, {
      hint: `expected ${expected ?? 'no such branch'}; look at what was pushed to it`,
      cause,
    });
  const words = NOT_GRANTED.test(cause.message)
    ? `GitHub lets choo push nothing; it needs contents=write, which the owner of the App's installation grants`
    : hostMessage(cause.message);
  return new ChooError('git', `the remote does not take \`${branch}\`: ${words}`, { cause });
}

/** Makes a host's message safe to show: only its own lines, if there are any. */
function hostMessage(message: string): string {
  const lines = message.split('\n').map((line) => visible(line).trim());
  const own = lines.filter((line) => line.startsWith('remote:') && line !== 'remote:');
  return (own.length > 0 ? own.map((line) => line.slice('remote:'.length).trim()) : lines)
    .join(' ')
    .slice(0, MAX_MESSAGE_LENGTH);
}
