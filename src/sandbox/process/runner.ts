import { existsSync } from 'node:fs';
import { Duplex, Readable, type Stream, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Ending, type ExecResult, type Execution, MAX_LINE } from '../sandbox.ts';
import { lineSplitter } from './line-splitter.ts';
import { takeOutput } from './output.ts';
import { startLeader } from './start.ts';

/** A command and everything it started. `leader` is the process that choo started, the leader of its process group. */
export interface ProcessTree {
  /** Signals every process of the tree, the leader included. Must not throw. */
  signal(leader: number, signal: 'SIGTERM' | 'SIGKILL'): void;
  /** Called after the leader ended: ends the rest of the tree and resolves when nothing is left. Must not throw. */
  settle(leader: number, ranMs: number): Promise<void>;
}

/** Watches a tree while it runs and calls `end` when it exceeds a limit. Dispose of the result to stop. */
export type Watch = (leader: number, end: (ending: Ending) => void) => Disposable;

/** An {@link Execution} as a sandbox has prepared it for the machine. */
export interface Command extends Pick<
  Execution,
  'argv' | 'cwd' | 'stdin' | 'onLine' | 'onText' | 'logFile' | 'logBytes' | 'signal' | 'totalMs' | 'idleMs'
> {
  /** The whole environment: nothing of choo's is added. */
  readonly env: Readonly<Record<string, string>>;
  readonly tree: ProcessTree;
  readonly watch?: Watch;
  /** More pipes, for the programs that wrap the command. */
  readonly wrapper?: Wrapper;
}

/**
 * A wrapper program reports on descriptor 3 and reads each of its inputs from one, from 4 on; a program around it reports on the
 * descriptor after these.
 */
interface Wrapper {
  readonly onStatus: (line: string) => void;
  readonly inputs: readonly (string | Buffer)[];
  readonly onOuterStatus?: ((line: string) => void) | undefined;
}

/** Time between SIGTERM and SIGKILL. Milliseconds. */
const GRACE_MS = 2_000;
/** Time after the end of the tree during which an unreachable process may keep an output pipe open. Milliseconds. */
const PIPE_CLOSE_MS = 500;
/** The longest delay of a Node timer. Milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Runs one command and returns its ending. Rejects only with what `onLine` threw. */
export async function runCommand(command: Command): Promise<ExecResult> {
  const started = performance.now();
  const elapsed = (): number => Math.round(performance.now() - started);
  if (command.signal?.aborted) return { ending: { kind: 'cancelled' }, tail: '', durationMs: 0 };

  // 1. Start it.
  const child = await startLeader({ ...command, stdio: descriptorsOf(command) });
  if (typeof child === 'string') {
    const reason = existsSync(command.cwd)
      ? `${command.argv[0]}: ${child}`
      : `${command.cwd}: no such directory`;
    return { ending: { kind: 'not-started', reason }, tail: '', durationMs: elapsed() };
  }
  const { pid: leader, closed } = child;
  const [stdin, stdout, stderr] = child.stdio;
  if (!(stdout instanceof Readable) || !(stderr instanceof Readable))
    throw new Error('a command without output');

  // 2. Stop it on the first reason to. Later reasons and its exit code do not count.
  let running = true;
  let stopped: Ending | undefined;
  let grace: NodeJS.Timeout | undefined;
  const stop = (ending: Ending): void => {
    if (!running || stopped !== undefined) return;
    stopped = ending;
    const urgent = ending.kind === 'over-limit'; // it would use up more during the grace period
    command.tree.signal(leader, urgent ? 'SIGKILL' : 'SIGTERM');
    if (!urgent) grace = setTimeout(() => command.tree.signal(leader, 'SIGKILL'), GRACE_MS);
  };
  const cancel = (): void => stop({ kind: 'cancelled' });
  const after = (limitMs: number | undefined, kind: 'timed-out' | 'stalled'): NodeJS.Timeout | undefined =>
    limitMs === undefined ? undefined : setTimeout(stop, Math.min(limitMs, MAX_TIMER_MS), { kind, limitMs });
  const total = after(command.totalMs, 'timed-out');
  const idle = after(command.idleMs, 'stalled');
  command.signal?.addEventListener('abort', cancel);
  if (command.signal?.aborted) cancel(); // while it was being started
  const watch = command.watch?.(leader, stop);

  // 3. Write its input and read its output.
  let failure: { readonly thrown: unknown } | undefined;
  const guarded = (listener: (line: string) => void) => (line: string) => {
    try {
      if (failure === undefined) listener(line);
    } catch (thrown) {
      failure = { thrown };
      cancel();
    }
  };
  const output = takeOutput(
    { stdout, stderr },
    { ...command, ...(command.onLine && { onLine: guarded(command.onLine) }) },
    () => idle?.refresh(),
  );
  const reported = command.wrapper && serveWrapper(command.wrapper, child.stdio);
  if (stdin instanceof Writable) stdin.on('error', () => {}).end(command.stdin); // it may close stdin or never read it: its ending explains why

  // 4. When it ends, end everything it started, even if a process outside the tree still holds its pipes.
  const { code, signal } = await child.exited;
  const ending: Ending =
    signal === null ? { kind: 'exited', exitCode: code ?? -1 } : { kind: 'killed', signal };
  running = false;
  for (const timer of [total, idle, grace]) clearTimeout(timer);
  command.signal?.removeEventListener('abort', cancel);
  watch?.[Symbol.dispose]();
  if (reported !== undefined) await isOver(reported, PIPE_CLOSE_MS);
  await command.tree.settle(leader, performance.now() - started);
  for (let left = PIPE_CLOSE_MS; left > 0 && !(await isOver(closed, 50));) if (!output.waiting) left -= 50;
  for (const stream of child.stdio) stream?.destroy();

  // 5. Return the result.
  const tail = await output.finish();
  if (failure !== undefined) throw failure.thrown;
  return { ending: stopped ?? ending, tail, durationMs: elapsed() };
}

/** The descriptors of a command, from 0 on. */
function descriptorsOf({ stdin, wrapper }: Command): readonly ('ignore' | 'pipe')[] {
  const count = wrapper && 1 + wrapper.inputs.length + (wrapper.onOuterStatus === undefined ? 0 : 1);
  const pipes = Array.from({ length: count ?? 0 }, () => 'pipe' as const);
  return [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', ...pipes];
}

/** Serves the pipes of the wrapper programs; resolves when they have closed their reports. */
async function serveWrapper(
  { onStatus, inputs, onOuterStatus }: Wrapper,
  [, , , status, ...rest]: readonly (Stream | null | undefined)[],
): Promise<void> {
  for (const [index, input] of inputs.entries()) {
    const feed = rest[index];
    // It may read no further than it needs.
    if (feed instanceof Duplex) feed.on('error', () => {}).end(input);
  }
  await Promise.all([listen(status, onStatus), onOuterStatus && listen(rest[inputs.length], onOuterStatus)]);
}

async function listen(pipe: Stream | null | undefined, onLine: (line: string) => void): Promise<void> {
  if (!(pipe instanceof Duplex)) return;
  const lines = lineSplitter(onLine, MAX_LINE);
  await new Promise<void>((resolve) => {
    pipe.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
    pipe
      .on('error', () => {})
      .once('end', resolve)
      .once('close', resolve);
  });
}

/** Whether a promise resolves within `ms` milliseconds. */
async function isOver(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const giveUp = new AbortController();
  const late = sleep(ms, false, { signal: giveUp.signal }).catch(() => false);
  const over = await Promise.race([promise.then(() => true), late]);
  giveUp.abort();
  return over;
}
