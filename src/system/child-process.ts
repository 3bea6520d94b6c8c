import type { Readable, Writable } from 'node:stream';
import { endAll, isMarked, listProcesses, newMark, OWNER_VARIABLE } from './process-tree.ts';

/** A child process that is spoken to while it runs. */
export interface Companion extends AsyncDisposable {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Settles when the process has ended, for whatever reason; never rejects. */
  readonly ended: Promise<{ readonly exitCode: number | undefined; readonly stderr: string }>;
}

/** How much of a companion's standard error is kept for the message that explains its end. Characters. */
const STDERR_LENGTH = 4_000;

/**
 * Starts a process that serves requests on its standard streams. It gets `env` and nothing of choo's environment. It
 * dies with choo, and when it is disposed of.
 */
export async function startCompanion(
  command: readonly [file: string, ...args: string[]],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<Companion> {
  const { execa } = await import('execa'); // a tenth of a second to load, which most commands never need
  const [file, ...args] = command;
  const child = execa(file, args, {
    cwd: options.cwd,
    env: options.env,
    extendEnv: false,
    buffer: { stdout: false, stderr: true },
    maxBuffer: { stderr: STDERR_LENGTH },
    stdin: 'pipe',
    stdout: 'pipe',
    stripFinalNewline: true,
    reject: false,
    forceKillAfterDelay: 1_000,
  });
  child.stdin.on('error', () => {}); // it closed its end: `ended` says why
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

/** Processes, and all that they start, that can be ended together. */
export interface MarkedProcesses {
  /** What they need in their environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Kills them; resolves when they are gone. Linux only; elsewhere none are found. */
  readonly end: () => Promise<void>;
}

/** A mark for processes of choo's own. */
export function markProcesses(): MarkedProcesses {
  const mark = newMark('choo-git');
  return {
    env: { [OWNER_VARIABLE]: mark },
    end: async () => void (await endAll(() => listProcesses().filter((pid) => isMarked(pid, mark)))),
  };
}
