/** A program of choo's own, run to its end. It gets `env` and nothing of choo's environment, and no input. */
export interface Tool {
  readonly argv: readonly [file: string, ...args: string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Whom it runs as, when that is not choo's own user; it keeps no other group. Only root may say. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  /** Then it is killed. Milliseconds. */
  readonly limitMs: number;
}

/** How it ended. */
export interface ToolResult {
  /** Undefined: it could not be started, or a signal ended it; `output` ends with what happened. */
  readonly exitCode: number | undefined;
  /** What it printed, on both streams. */
  readonly output: string;
}

/** More than any of them says. Characters. */
const OUTPUT_LENGTH = 1_000_000;

/** Runs it. Processes that it leaves behind go on, but must not keep its output open. Never rejects. */
export async function runTool({ argv: [file, ...args], cwd, env, user, limitMs }: Tool): Promise<ToolResult> {
  const { execa } = await import('execa'); // a tenth of a second to load, which most commands never need
  const { exitCode, all, shortMessage } = await execa(file, args, {
    cwd,
    env,
    extendEnv: false,
    ...user,
    stdin: 'ignore',
    all: true,
    maxBuffer: OUTPUT_LENGTH,
    timeout: limitMs,
    killSignal: 'SIGKILL',
    reject: false,
  });
  const output = exitCode === undefined ? [all, shortMessage].filter(Boolean).join('\n') : all;
  return { exitCode, output: output ?? '' };
}
