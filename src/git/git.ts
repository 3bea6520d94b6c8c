import { type SimpleGit, simpleGit } from 'simple-git';
import { ChooError } from '../errors.ts';
import { type Companion, startCompanion } from '../sandbox/process.ts';

/**
 * git as choo runs it, in one repository. What the repository, the user or the machine configures cannot make it start
 * another program, ask a question or reach a network: no system or global settings, no hooks, no file system monitor, no
 * transport, no replaced objects, messages in English.
 */
export interface Git {
  readonly directory: string;
  /** Standard output, untrimmed. Throws a ChooError (`git`) with git's own words when it exits with anything but 0. */
  run(...args: string[]): Promise<string>;
  /** Starts a git that serves requests on its standard streams, such as `cat-file --batch-command`. */
  start(...args: string[]): Promise<Companion>;
}

/** `searchPath` is the PATH on which git and its helpers are found. */
export function openGit(directory: string, searchPath: string): Git {
  const environment = gitEnvironment(directory, searchPath);
  const git: SimpleGit = simpleGit({
    baseDir: directory,
    allowEnvironment: Object.keys(environment),
    // By itself the library takes a failure that says nothing for a success.
    errors: (error, { exitCode, stdErr }) =>
      error ??
      (exitCode === 0 ? undefined : new Error(String(Buffer.concat(stdErr)) || `exit status ${exitCode}`)),
    // These guard against settings that run programs; ours switch exactly those off.
    unsafe: {
      allowUnsafeConfigEnvCount: true,
      allowUnsafeConfigPaths: true,
      allowUnsafeFsMonitor: true,
      allowUnsafeHooksPath: true,
      allowUnsafeProtocolOverride: true,
    },
  }).env(environment);
  return {
    directory,
    run: async (...args) => {
      try {
        return await git.raw(args);
      } catch (error) {
        throw gitError(args, error);
      }
    },
    start: (...args) => startCompanion(['git', ...args], { cwd: directory, env: environment }),
  };
}

/** Settings that win over every file, as git reads them from its environment. */
const SETTINGS: Readonly<Record<string, string>> = {
  'core.hooksPath': '/dev/null',
  'core.fsmonitor': 'false',
  'core.attributesFile': '/dev/null',
  'core.excludesFile': '/dev/null',
  'advice.detachedHead': 'false',
};

function gitEnvironment(directory: string, searchPath: string): Record<string, string> {
  const settings = Object.entries({ ...SETTINGS, 'safe.directory': directory });
  return {
    PATH: searchPath,
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
    GIT_ALLOW_PROTOCOL: '', // of all transports none, whatever `protocol.*.allow` says
    GIT_NO_REPLACE_OBJECTS: '1',
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
  const words = cause instanceof Error ? cause.message.trim() : String(cause);
  return new ChooError('git', `git ${args[0] ?? ''} failed: ${words}`, { cause });
}
