import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { openPosixSpawn, type ProgramEnd, type ProgramStart } from '../../system/posix-spawn.ts';
import { withoutInherited } from './inherited-descriptors.ts';

/** A process that runs, the leader of a session and of a process group. */
interface Leader {
  readonly pid: number;
  /** By descriptor; null where there is no pipe. */
  readonly stdio: readonly (Readable | Writable | null | undefined)[];
  readonly exited: Promise<ProgramEnd>;
  /** Resolves when it has ended and all its pipes are closed. */
  readonly closed: Promise<unknown>;
}

/** Starts a program; with the cause where that fails. */
export async function startLeader(program: ProgramStart): Promise<Leader | string> {
  const posixSpawn = await openPosixSpawn();
  const started = posixSpawn?.(program);
  if (started === undefined) return startByNode(program);
  const pipes = started.stdio.map(
    async (pipe) => pipe && new Promise<void>((resolve) => pipe.once('close', () => resolve())),
  );
  return { ...started, closed: Promise.all([started.exited, ...pipes]) };
}

/** Not by execa: all that it does more would be switched off, since it would wait for pipes that other processes hold. */
async function startByNode({ argv, cwd, env, stdio }: ProgramStart): Promise<Leader | string> {
  const [file, ...args] = argv;
  let child: ChildProcess;
  try {
    child = spawn(file, args, { cwd, env, detached: true, stdio: withoutInherited(stdio) });
  } catch (thrown) {
    return String(thrown); // an argument that cannot be passed to a program
  }
  const failed = new Promise<Error>((resolve) => child.on('error', resolve));
  const { pid } = child;
  if (pid === undefined) return (await failed).message;
  return {
    pid,
    stdio: child.stdio,
    exited: new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal }))),
    closed: new Promise<void>((resolve) => child.once('close', () => resolve())),
  };
}
