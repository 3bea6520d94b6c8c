/** A program that choo runs for itself, to its end. Its environment is `env` alone, nothing of choo's. */
export interface Tool {
  readonly argv: readonly [file: string, ...args: string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** The user to run as instead of choo's own, without other groups. Only for root. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  /** None by default. */
  readonly input?: Uint8Array;
  /** Time limit; it is killed then. Milliseconds. */
  readonly limitMs: number;
  /** It is killed when the signal aborts. */
  readonly signal?: AbortSignal;
}

/** How it ended. */
export interface ToolResult {
  /** Undefined when it could not be started or a signal ended it; `output` ends with the cause. */
  readonly exitCode: number | undefined;
  /** Its output on both streams. */
  readonly output: string;
}

/** More than any of these programs prints. Characters. */
const MAX_OUTPUT_LENGTH = 1_000_000;

/** Runs a program. Processes that it leaves running must not keep its output open. Never rejects. */
export async function runTool(tool: Tool): Promise<ToolResult> {
  const { argv, cwd, env, user, input, limitMs, signal } = tool;
  const [file, ...args] = argv;
  const { execa } = await import('execa'); // takes 0.1 s to load, and most commands never need it
  const { exitCode, all, shortMessage } = await execa(file, args, {
    cwd,
    env,
    extendEnv: false,
    ...user,
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
    ...(signal === undefined ? {} : { cancelSignal: signal }),
    all: true,
    maxBuffer: MAX_OUTPUT_LENGTH,
    timeout: limitMs,
    killSignal: 'SIGKILL',
    reject: false,
  });
  const output = exitCode === undefined ? [all, shortMessage].filter(Boolean).join('\n') : all;
  return { exitCode, output: output ?? '' };
}
