import { totalmem } from 'node:os';
import { delimiter, isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type SimpleGit, simpleGit } from 'simple-git';
import { ChooError, messageOf } from '../errors.ts';
import { type ChildService, markProcesses, startChildService } from '../system/child-process.ts';

/**
 * git as choo runs it, in one repository. No configuration of the repository, user or machine can make it start another
 * program, prompt, or reach a network: no system or global settings, hooks, file system monitor, transports or replaced
 * objects; paths are literal, and messages are in English. Each command has a deadline and a limit of memory, and ends when choo dies.
 */
export interface Git {
  readonly directory: string;
  /** Returns standard output, untrimmed. Throws a ChooError (`git`) with git's message unless it exits with 0. */
  run(...args: string[]): Promise<string>;
  /** Runs a command whose exit status 1 means "no". */
  ask(...args: string[]): Promise<{ readonly yes: boolean; readonly stdout: string }>;
  /** The same git, whose commands end when the signal aborts; they throw its reason once git has ended. */
  until(signal: AbortSignal | undefined): Git;
  /** Starts git as a child service, such as `cat-file --batch-command`. It ends with the signal, too. */
  start(...args: string[]): Promise<ChildService>;
}

/**
 * The repository that git works on, as absolute paths. git finds omitted paths by itself from files around its
 * directory, so omit none where an agent can write.
 */
export interface GitOptions {
  /** A `.git` directory, a bare repository, or git's administrative directory of a worktree. */
  readonly gitDirectory?: string;
  readonly workTree?: string;
  /** Where objects are read and written. */
  readonly objects?: string;
  readonly indexFile?: string;
  /** Transports by which it may reach other repositories; undefined for none. */
  readonly network?: { readonly transports: readonly string[] };
  /** Ends running commands; see {@link Git.until}. */
  readonly signal?: AbortSignal | undefined;
  /** How long one command may take; by default ten minutes, an hour with a network. Milliseconds. */
  readonly deadlineMs?: number;
  /** How much memory one process may take; by default 4 GiB, or half of a smaller machine's. */
  readonly memoryBytes?: number;
  /** git settings that override every file and choo's own. Secrets belong here, not in an argument. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** The longest that a git command runs: of a repository within the limits, any takes seconds. Milliseconds. */
const DEADLINE_MS = 10 * 60_000;
/** The same for one that reaches a network. Milliseconds. */
const NETWORK_DEADLINE_MS = 60 * 60_000;
/** The longest that it prints nothing. Milliseconds. */
const IDLE_TIMEOUT_MS = 10 * 60_000;

/** A file of as many bytes as a checkout may have is read whole where attributes ask for another form of it. Bytes. */
const MEMORY_BYTES = Math.min(4 * 1024 ** 3, Math.floor(totalmem() / 2));

/** git behind a shell that sets its limits and becomes it. */
const LIMITED_GIT = ['/bin/sh', fileURLToPath(new URL('limited-git.sh', import.meta.url))] as const;

/** Time for an aborted git to clean up before it and its children are killed. Milliseconds. */
const KILL_DELAY_MS = 1_000;

/** `searchPath` is the PATH on which git and its helpers are found. */
export function openGit(directory: string, searchPath: string, options: GitOptions = {}): Git {
  const environment = gitEnvironment(directory, searchPath, options);
  const { signal, network, deadlineMs = network === undefined ? DEADLINE_MS : NETWORK_DEADLINE_MS } = options;
  const run = createRunner(directory, { environment, signal, deadlineMs }, (exitCode) => exitCode === 0);
  return {
    directory,
    run,
    ask: async (...args) => {
      let status = 0;
      const ask = createRunner(directory, { environment, signal, deadlineMs }, (exitCode) => {
        status = exitCode;
        return exitCode <= 1;
      });
      const stdout = await ask(...args);
      return { yes: status === 0, stdout };
    },
    until: (signal) => openGit(directory, searchPath, { ...options, signal }),
    start: async (...args) => {
      signal?.throwIfAborted();
      const service = await startChildService([...LIMITED_GIT, ...args], {
        cwd: directory,
        env: environment,
      });
      const end = (): void => void service[Symbol.asyncDispose]();
      signal?.addEventListener('abort', end, { once: true });
      void service.ended.then(() => signal?.removeEventListener('abort', end));
      return service;
    },
  };
}

function createRunner(
  directory: string,
  {
    environment: own,
    signal,
    deadlineMs,
  }: Pick<GitOptions, 'signal'> & {
    readonly environment: Record<string, string>;
    readonly deadlineMs: number;
  },
  accepts: (exitCode: number) => boolean,
): Git['run'] {
  return async (...args) => {
    signal?.throwIfAborted();
    // The processes that reach a network are children of git, and outlive it.
    const marked = markProcesses();
    const environment = { ...own, ...marked.env };
    const ending = new AbortController();
    let killing: NodeJS.Timeout | undefined;
    const end = (): void => {
      ending.abort();
      killing = setTimeout(() => void marked.end(), KILL_DELAY_MS);
    };
    const deadline = setTimeout(end, deadlineMs);
    signal?.addEventListener('abort', end);
    try {
      return await gitIn(directory, { environment, abort: ending.signal, accepts }).raw(args);
    } catch (error) {
      if (ending.signal.aborted) await marked.end();
      signal?.throwIfAborted();
      if (!ending.signal.aborted) throw gitError(args, error);
      const seconds = Math.round(deadlineMs / 1_000);
      throw new ChooError('git', `git ${args[0] ?? ''} was ended after ${seconds} s`, { cause: error });
    } finally {
      signal?.removeEventListener('abort', end);
      clearTimeout(deadline);
      clearTimeout(killing);
    }
  };
}

function gitIn(
  directory: string,
  {
    environment,
    abort,
    accepts,
  }: {
    readonly environment: Record<string, string>;
    readonly abort: AbortSignal;
    readonly accepts: (exitCode: number) => boolean;
  },
): SimpleGit {
  const git: SimpleGit = simpleGit({
    baseDir: directory,
    binary: [...LIMITED_GIT],
    allowEnvironment: Object.keys(environment),
    // By default the library treats a failure without output as success.
    errors: (error, { exitCode, stdErr }) =>
      accepts(exitCode)
        ? undefined
        : (error ?? new Error(String(Buffer.concat(stdErr)) || `exit status ${exitCode}`)),
    timeout: { block: IDLE_TIMEOUT_MS },
    abort,
    // The library refuses settings that can run programs; ours switch exactly those off.
    unsafe: {
      allowUnsafeConfigEnvCount: true,
      allowUnsafeConfigPaths: true,
      allowUnsafeCustomBinary: true,
      allowUnsafeFilter: true,
      allowUnsafeFsMonitor: true,
      allowUnsafeHooksPath: true,
      allowUnsafeProtocolOverride: true,
      allowUnsafeSshCommand: true,
      allowUnsafeTemplateDir: true,
    },
  });
  return (
    git
      .env(environment)
      // The library waits 50 ms for output when a command printed nothing; an empty chunk ends that wait.
      .outputHandler((_, stdout) => stdout.once('end', () => stdout.emit('data', Buffer.alloc(0))))
  );
}

/** Settings passed through the environment, which override every file. */
const SETTINGS: Readonly<Record<string, string>> = {
  'core.hooksPath': '/dev/null',
  'core.fsmonitor': 'false',
  'core.attributesFile': '/dev/null',
  'core.excludesFile': '/dev/null',
  'core.untrackedCache': 'false',
  'gc.auto': '0',
  'diff.ignoreSubmodules': 'all',
  'advice.detachedHead': 'false',
  'http.followRedirects': 'false', // credentials are only for one host
};

function gitEnvironment(
  directory: string,
  searchPath: string,
  {
    gitDirectory,
    workTree,
    objects,
    indexFile,
    network,
    memoryBytes = MEMORY_BYTES,
    settings: more,
  }: GitOptions,
): Record<string, string> {
  const settings = Object.entries({ ...SETTINGS, 'safe.directory': directory, ...more });
  return {
    PATH: searchPath.split(delimiter).filter(isAbsolute).join(delimiter), // never a `git` from a worktree
    CHOO_GIT_MEMORY_KIB: String(Math.floor(memoryBytes / 1024)),
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_AUTHOR_NAME: 'choo',
    GIT_AUTHOR_EMAIL: 'choo@localhost',
    GIT_COMMITTER_NAME: 'choo',
    GIT_COMMITTER_EMAIL: 'choo@localhost',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: network?.transports.join(':') ?? '', // whatever `protocol.*.allow` says
    GIT_SSH_COMMAND: 'ssh -oBatchMode=yes', // never prompts
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_LITERAL_PATHSPECS: '1',
    ...(gitDirectory === undefined ? {} : { GIT_DIR: gitDirectory }),
    ...(workTree === undefined ? {} : { GIT_WORK_TREE: workTree }),
    ...(objects === undefined ? {} : { GIT_OBJECT_DIRECTORY: objects }),
    ...(indexFile === undefined ? {} : { GIT_INDEX_FILE: indexFile }),
    GIT_CONFIG_COUNT: String(settings.length),
    ...Object.fromEntries(
      settings.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  };
}

function gitError(args: readonly string[], cause: unknown): ChooError {
  return new ChooError('git', `git ${args[0] ?? ''} failed: ${messageOf(cause).trim()}`, { cause });
}
