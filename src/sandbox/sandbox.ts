/** What runs inside: the repository's own set-up (network, nothing secret), an agent, or a gate (no network, nothing secret). */
export type Profile = 'setup' | 'agent' | 'gate';

/** Where commands of one unit run. All paths absolute and real. */
export interface Workplace {
  /** The worktree, the only directory of the machine that can be written inside. Its `.git` file cannot. */
  readonly worktree: string;
  /** What must be readable beside it, at its own path: the git directory behind the worktree, and its objects. */
  readonly readable: readonly string[];
}

/** One command. */
export interface Execution {
  readonly profile: Profile;
  /** A name is looked up on the PATH inside; a path is taken as it is. Never a shell's words. */
  readonly argv: readonly [file: string, ...args: string[]];
  /** Absolute, in the worktree. */
  readonly cwd: string;
  /** Added to the sandbox's own few variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input; without it, there is none. */
  readonly stdin?: string;
  /** More paths to read (a CLI's installation), and to write (a CLI's own state), each at its own path. */
  readonly readable?: readonly string[];
  readonly writable?: readonly string[];
  /** Called with each line of standard output, without its end; a line past {@link MAX_LINE} is cut. Must not throw. */
  readonly onLine?: (line: string) => void;
  /** Called with what comes on both streams, as it comes. Must not throw. */
  readonly onText?: (text: string) => void;
  /** Gets standard output and error as they come, up to `logBytes`, then one line that says so; made or appended to. */
  readonly logFile?: string;
  readonly logBytes?: number;
  readonly signal?: AbortSignal;
  /** The longest it may take, and the longest it may print nothing. Milliseconds. */
  readonly totalMs: number;
  readonly idleMs?: number;
}

/** The longest line that is handed on whole. Characters. */
export const MAX_LINE = 4 * 1024 * 1024;

/** How it ended. Whatever the way, no process of it is left. */
export type Ending =
  | { readonly kind: 'exited'; readonly exitCode: number }
  /** By a signal that choo did not send. Inside bubblewrap it shows as exit code 128 and more, as in a shell. */
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'timed-out' | 'stalled'; readonly limitMs: number }
  | { readonly kind: 'cancelled' }
  /** It wrote or held more than it may. */
  | { readonly kind: 'over-limit'; readonly what: 'disk' | 'memory'; readonly limitBytes: number }
  /** Nothing was started: the executable, or the sandbox itself, is not there or cannot run. */
  | { readonly kind: 'not-started'; readonly reason: string };

export interface ExecResult {
  readonly ending: Ending;
  /** The end of what it printed on both streams, in order, at most {@link TAIL_LENGTH} characters. */
  readonly tail: string;
  readonly durationMs: number;
}

/** How much of what a command printed is kept in memory. Characters. */
export const TAIL_LENGTH = 16 * 1024;

/** Runs commands that nobody trusts. */
export interface Sandbox {
  readonly kind: 'bubblewrap' | 'host';
  exec(workplace: Workplace, execution: Execution): Promise<ExecResult>;
  /** Gives a path, and all below it, to the user who runs inside. Follows no link. Call it after choo wrote there. */
  handOver(path: string): Promise<void>;
  /** Whether it works here: runs node and `git status` in a worktree of its own. Says what failed, and the cure. */
  selfTest(): Promise<
    { readonly ok: true } | { readonly ok: false; readonly reason: string; readonly hint: string }
  >;
}
