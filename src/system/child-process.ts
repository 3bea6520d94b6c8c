import type { Readable, Writable } from 'node:stream';
import { endAll, isMarked, listProcesses, newMark, OWNER_VARIABLE } from './process-tree.ts';

/** A child service: a long-running program that serves requests on its standard streams. */
export interface ChildService extends AsyncDisposable {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Resolves when the process has ended, for any reason; never rejects. */
  readonly ended: Promise<{ readonly exitCode: number | undefined; readonly stderr: string }>;
}

/** Standard error of a child service kept for the message that explains its end. Characters. */
const MAX_STDERR_LENGTH = 4_000;

/**
 * Starts a child service. Its environment is `env` alone, nothing of choo's. It ends with choo, or when it is disposed
 * of.
 */
export async function startChildService(
  command: readonly [file: string, ...args: string[]],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<ChildService> {
  const { execa } = await import('execa'); // takes 0.1 s to load, and most commands never need it
  const [file, ...args] = command;
  const child = execa(file, args, {
    cwd: options.cwd,
    env: options.env,
    extendEnv: false,
    buffer: { stdout: false, stderr: true },
    maxBuffer: { stderr: MAX_STDERR_LENGTH },
    stdin: 'pipe',
    stdout: 'pipe',
    stripFinalNewline: true,
    reject: false,
    forceKillAfterDelay: 1_000,
  });
  child.stdin.on('error', () => {}); // it closed stdin: `ended` explains why
  const ended = child.then(({ exitCode, stderr }) => ({ exitCode, stderr }));
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    ended,
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      child.kill();
      await ended;
    },
  };
}

/** Processes, with everything they start, that can be ended together. */
export interface MarkedProcesses {
  /** Variables that their environment must contain. */
  readonly env: Readonly<Record<string, string>>;
  /** Kills them and resolves when they are gone. Linux only; finds none elsewhere. */
  readonly end: () => Promise<void>;
}

/** Creates a mark for processes that choo starts for itself. */
export function markProcesses(): MarkedProcesses {
  const mark = newMark('choo-git');
  return {
    env: { [OWNER_VARIABLE]: mark },
    end: async () => void (await endAll(() => listProcesses().filter((pid) => isMarked(pid, mark)))),
  };
}
