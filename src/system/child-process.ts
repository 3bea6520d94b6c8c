import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
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

/** The owner of all processes that this one starts for itself. */
const OWNER = `choo-git/${randomUUID()}`;

/** Creates a mark for processes that choo starts for itself. They end when choo does, however it ends. */
export function markProcesses(): MarkedProcesses {
  const mark = newMark(OWNER);
  endWithThisProcess();
  return {
    env: { [OWNER_VARIABLE]: mark },
    end: async () => void (await endAll(() => listProcesses().filter((pid) => isMarked(pid, mark)))),
  };
}

/** Waits until choo is gone, then kills what has its mark, until none is left or five seconds have passed. */
const GUARD = `read -r _
for _ in 1 2 3 4 5 6 7 8 9 10; do
  marked=$(grep -laF -- "$1/" /proc/[0-9]*/environ 2>/dev/null)
  [ -n "$marked" ] || exit 0
  for file in $marked; do pid=\${file#/proc/}; kill -9 "\${pid%/environ}" 2>/dev/null; done
  sleep 0.5
done`;

/** A command that ends sooner needs no guard. Milliseconds. */
const GUARD_DELAY_MS = 100;

let guard: NodeJS.Timeout | undefined;

/**
 * Starts a guard when choo runs for more than a moment: a shell that notices the end of this process, even by `kill -9`,
 * and ends what it had started. It costs one process for each of choo's, where a wrapper would cost one for each git.
 */
function endWithThisProcess(): void {
  guard ??= setTimeout(() => void startGuard().catch(() => {}), GUARD_DELAY_MS).unref();
}

async function startGuard(): Promise<void> {
  const { execa } = await import('execa');
  const { nodeChildProcess: child } = execa(
    '/bin/sh',
    ['-c', GUARD, 'choo-guard', `${OWNER_VARIABLE}=${OWNER}`],
    {
      env: { PATH: '/usr/bin:/bin' },
      extendEnv: false,
      cleanup: false, // it ends by itself, when it has done its work
      detached: true, // Ctrl-C is not for it
      stdin: 'pipe',
      stdout: 'ignore',
      stderr: 'ignore',
      reject: false,
    },
  );
  child.unref();
  (child.stdin as Socket).unref(); // a pipe, of which the types say only that it is writable
}
