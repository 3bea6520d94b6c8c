import { join } from 'node:path';

/** The kind of command: the repository's set-up (network, no secrets), an agent, or a gate (no network, no secrets). */
export type Profile = 'setup' | 'agent' | 'gate';

/** Where commands of one unit run. All paths are absolute and free of links. */
export interface SandboxPaths {
  /**
   * The worktree, the only directory of the machine that is writable inside. Its `.git` file is read-only. Where it stands
   * inside: {@link Sandbox.placeOf}.
   */
  readonly worktree: string;
  /** Further readable paths, mounted at the same path: the git directory behind the worktree, and its objects. */
  readonly readable: readonly string[];
  /**
   * A directory of choo beside the worktree and on its file system, which holds the `home` of the worktree's commands.
   * Undefined: each command has an empty home for itself.
   */
  readonly beside?: string | undefined;
  /**
   * Directories that show through below the worktree and its home and are never written: what set-up left behind. Only where
   * the sandbox has overlays; see {@link Layering}.
   */
  readonly below?: { readonly project: string; readonly home: string } | undefined;
}

/** A set-up command, for {@link Sandbox.findNoWayOut}. */
export interface Fetching {
  readonly command: string;
  /** The project's directory in the worktree. */
  readonly cwd: string;
  readonly signal: AbortSignal;
}

/**
 * How the content of a directory is given to many worktrees on this machine: shown through by overlays, copied with shared
 * blocks, or neither.
 */
export type Layering = 'overlay' | 'reflink' | 'none';

/** A snapshot of what a set-up left behind, while it is used. Disposing says that it is not used any more. */
export interface Prepared extends AsyncDisposable {
  /** What git ignores in a worktree, and the home. */
  readonly project: string;
  readonly home: string;
  /** Milliseconds since 1970. */
  readonly takenAt: number;
}

/** What a store has for a key. */
export type Taken =
  | { readonly kind: 'found'; readonly prepared: Prepared }
  /** The caller alone is to run the set-up and may keep what it leaves; others wait until this is disposed of. */
  | ({
      readonly kind: 'build';
      /**
       * Moves what git ignores and the home into the store, by paths from the worktree's root that no link leads to. When it
       * rejects, all is where it was. Without it, disposing drops what there was for the key.
       */
      keep(workplace: SandboxPaths, ignored: readonly string[]): Promise<Prepared>;
    } & AsyncDisposable)
  | { readonly kind: 'none' };

/** Where the snapshots of a repository are. */
export interface PreparedPlace {
  readonly directory: string;
  /** The directories of all repositories of this machine, which share one limit. */
  readonly others: () => Promise<readonly string[]>;
}

/** Snapshots of set-ups, by key: 64 lower-case hexadecimal digits. */
export interface PreparedStore {
  /** Waits for a snapshot that another one builds. `madeSince`: no older one will do. Milliseconds since 1970. */
  take(
    key: string,
    options: {
      readonly maxAgeMs: number;
      readonly madeSince?: number | undefined;
      readonly mayBuild: boolean;
      readonly signal: AbortSignal;
    },
  ): Promise<Taken>;
}

/** The home of a worktree's commands. */
export function homeBeside(beside: string): string {
  return join(beside, 'home');
}

/** One command. */
export interface Execution {
  readonly profile: Profile;
  /** A name is looked up on the PATH inside; a path is used as it is. Never passed to a shell. */
  readonly argv: readonly [file: string, ...args: string[]];
  /** The worktree or a directory in it, by its path on this machine. */
  readonly cwd: string;
  /** Added to the few variables that the sandbox sets. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * What of its changes is thrown away: those in its home, or those in the worktree, too, ignored files included: then it runs
   * on a clean copy. It sees what others left in both. Undefined: nothing. `all` needs {@link SandboxPaths.beside} in bubblewrap,
   * and on the host no other command in the worktree meanwhile.
   */
  readonly discards?: 'home' | 'all' | undefined;
  /** Files of the worktree, by their paths from it: which of them the command opens is recorded. Undefined: nothing is. */
  readonly watched?: readonly string[] | undefined;
  /** Standard input; undefined for none. */
  readonly stdin?: string;
  /** More paths to read (a CLI's installation) and to write (a CLI's state), mounted at the same path. */
  readonly readable?: readonly string[];
  readonly writable?: readonly string[];
  /** Called with each line of standard output, without its line end, cut at {@link MAX_LINE}. Must not throw. */
  readonly onLine?: (line: string) => void;
  /** Called with each piece of output of both streams as it arrives. Must not throw. */
  readonly onText?: (text: string) => void;
  /** Receives both streams up to `logBytes`, then one line saying that the log was cut. Created, or appended to. */
  readonly logFile?: string;
  readonly logBytes?: number;
  readonly signal?: AbortSignal;
  /** Time limit, and idle timeout: the longest it may print nothing. Milliseconds. */
  readonly totalMs: number;
  readonly idleMs?: number;
}

/**
 * Where the project stands in every sandbox with its own file system: tools write absolute paths into what set-up leaves
 * behind, such as a virtual environment. Nothing else that a sandbox shows lies below.
 */
export const PROJECT = '/choo/project';
/** The home of commands there. */
export const HOME = '/choo/home';

/** Longer lines are cut. Characters. */
export const MAX_LINE = 4 * 1024 * 1024;

/** How a command ended. In every case none of its processes is left. */
export type Ending =
  | { readonly kind: 'exited'; readonly exitCode: number }
  /** Killed by a signal that choo did not send. Inside bubblewrap this is an exit code above 128, as in a shell. */
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'timed-out' | 'stalled'; readonly limitMs: number }
  | { readonly kind: 'cancelled' }
  /** It used more disk or memory than allowed. */
  | { readonly kind: 'over-limit'; readonly what: 'disk' | 'memory'; readonly limitBytes: number }
  /** Nothing was started: the executable or the sandbox is missing or cannot run. */
  | { readonly kind: 'not-started'; readonly reason: string };

export interface ExecResult {
  readonly ending: Ending;
  /** The end of its output on both streams, in order; at most {@link TAIL_LENGTH} characters. */
  readonly tail: string;
  readonly durationMs: number;
  /** Which of the watched files it opened. */
  readonly openings?: Openings | undefined;
}

/** Which files a command opened, or why that could not be recorded. */
export type Openings =
  | { readonly kind: 'recorded'; readonly paths: readonly string[] }
  | { readonly kind: 'unknown'; readonly reason: string };

/** Output of a command that is kept in memory. Characters. */
export const TAIL_LENGTH = 16 * 1024;

/** Runs untrusted commands. */
export interface Sandbox {
  readonly kind: 'bubblewrap' | 'host';
  exec(workplace: SandboxPaths, execution: Execution): Promise<ExecResult>;
  /** The path of the worktree as commands see it: {@link PROJECT}, or on the host its own. */
  placeOf(workplace: Pick<SandboxPaths, 'worktree'>): string;
  /** Makes the sandbox user the owner of a path and everything below it. Follows no link. Call it after choo wrote there. */
  chownToSandboxUser(path: string): Promise<void>;
  /** How content is given to many worktrees. Tried once. */
  layering(): Promise<Layering>;
  /**
   * Opens a repository's snapshots; undefined where they cannot be given to other worktrees. On the host paths differ, so they
   * can be only where what set-up leaves is `relocatable`.
   */
  openPrepared(
    place: PreparedPlace,
    options: { readonly relocatable: boolean },
  ): Promise<PreparedStore | undefined>;
  /** Gives a snapshot to a new worktree: shown through, or copied. Returns the workplace that has it. */
  give(prepared: Pick<Prepared, 'project' | 'home'>, workplace: SandboxPaths): Promise<SandboxPaths>;
  /** Everything but the commands' own files that a set-up's result depends on, such as variables and the programs it names. */
  describe(commands: readonly string[]): Promise<unknown>;
  /**
   * Why a set-up command cannot reach what it fetches from, as a sentence with the variable to set; asked within seconds.
   * Undefined where it can, or names no tool that is known to fetch.
   */
  findNoWayOut(workplace: SandboxPaths, fetching: Fetching): Promise<string | undefined>;
  /** Why a shell did not find a program, by what it printed: what is shown, and how to show more. Undefined: all is shown. */
  explainMissing(output: string): string | undefined;
  /** Tests whether it works here: runs node and `git status` in a temporary worktree. Returns what failed, with a hint. */
  selfTest(): Promise<
    | { readonly ok: true; readonly layering: Layering }
    | { readonly ok: false; readonly reason: string; readonly hint: string }
  >;
}
