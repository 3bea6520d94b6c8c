import type { GateReason, TestCounts } from '../../events/command-end.ts';
import type { ExecResult, Openings, Sandbox, SandboxPaths } from '../../sandbox/sandbox.ts';
import { countTests, findReason } from './gate-reason.ts';
import { keepEnds } from './kept-output.ts';
import { followLastOutput, lastOutput } from './last-output.ts';
import { gateWords, type Service } from './services.ts';

/** The result of a gate, check or set-up command. `fault`: the environment cannot run it, whatever the exit status. */
export interface Verdict {
  readonly kind: 'green' | 'red' | 'fault' | 'cancelled';
  readonly exitCode: number | null;
  /** How it ended, as text. */
  readonly ending: string;
  /** The end of what it printed; empty where it is green. */
  readonly tail: string;
  /** The same of a green one, for who has to compare it. */
  readonly output?: string;
  /** Which of the files it opened that were watched. */
  readonly openings?: Openings | undefined;
  readonly durationMs: number;
  /** Why it is not green, as far as its output says so. */
  readonly reason?: GateReason;
  /** How many tests ran, where its output says so. */
  readonly tests?: TestCounts;
}

/** A shell command that choo runs: a gate, check or set-up. */
export interface ShellCommand {
  readonly command: string;
  readonly profile: 'gate' | 'setup';
  /** Whether a gate runs on a clean copy of the worktree, thrown away after it. */
  readonly isApart?: boolean;
  /** The repository's own variables. */
  readonly variables?: Readonly<Record<string, string>>;
  /** What a gate needs beside it. */
  readonly services?: readonly Service[];
  /** Credentials for a set-up, by variable. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Files of the worktree: whether it opens them is recorded. */
  readonly watched?: readonly string[] | undefined;
  readonly cwd: string;
  readonly timeoutMs: number;
  readonly logFile?: string | undefined;
  /** What is cut from the paths in its reason: the project's directory, and those of choo. */
  readonly directories: readonly string[];
  /** Called with its last line of output from time to time while it runs. */
  readonly onOutput: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Length of a red gate's output that is kept for the next attempt, the log and the report. Characters. */
const TAIL = 6_000;

/** Runs one command in the sandbox and judges it by its exit status alone. */
export async function runShell(
  sandbox: Sandbox,
  workplace: SandboxPaths,
  {
    command,
    profile,
    isApart = false,
    variables,
    secrets,
    watched,
    services = [],
    cwd,
    timeoutMs,
    logFile,
    directories,
    onOutput,
    signal,
  }: ShellCommand,
): Promise<Verdict> {
  using follower = followLastOutput(onOutput);
  const output = keepEnds();
  const result = await sandbox.exec(workplace, {
    profile,
    argv: gateWords(command, profile === 'gate' ? services : []),
    cwd,
    discards: profile === 'gate' ? (isApart ? 'all' : 'home') : undefined,
    totalMs: timeoutMs,
    watched,
    onText: (text) => {
      follower.push(text);
      output.push(text);
    },
    signal,
    env: { ...variables, ...(profile === 'setup' ? secrets : {}) },
    ...(logFile === undefined ? {} : { logFile }),
  });
  const verdict = judge(result);
  return { ...verdict, ...readOutput(verdict, output.text(), directories) };
}

function readOutput(
  { kind, exitCode, tail }: Verdict,
  output: string,
  directories: readonly string[],
): Pick<Verdict, 'reason' | 'tests'> {
  const tests = countTests(output);
  // What choo says of its end stands in the tail alone.
  const reason =
    kind === 'green' || kind === 'cancelled'
      ? undefined
      : findReason(exitCode === null ? tail : output, directories);
  return { ...(reason === undefined ? {} : { reason }), ...(tests === undefined ? {} : { tests }) };
}

/**
 * Pure. A shell exits with 126 or 127 when it cannot run the command.
 *
 * @internal
 */
export function judge({ ending, tail, durationMs, openings }: ExecResult): Verdict {
  const rest = { tail: tail.slice(-TAIL), durationMs, ...(openings === undefined ? {} : { openings }) };
  switch (ending.kind) {
    case 'exited': {
      const { exitCode } = ending;
      const kind = exitCode === 0 ? 'green' : exitCode === 126 || exitCode === 127 ? 'fault' : 'red';
      return {
        kind,
        exitCode,
        ending: `exit status ${exitCode}`,
        ...rest,
        ...(kind === 'green' ? { tail: '', output: rest.tail } : {}),
      };
    }
    case 'killed':
      return { kind: 'red', exitCode: null, ending: `killed by ${ending.signal}`, ...rest };
    case 'timed-out':
    case 'stalled': {
      const seconds = ending.limitMs / 1_000;
      const last = lastOutput(tail);
      const words = last === undefined ? 'it printed nothing' : `the last it printed: ${last}`;
      return {
        kind: 'red',
        exitCode: null,
        ending: `not done after ${seconds} s`,
        ...rest,
        tail: `${rest.tail.trimEnd()}\n[choo: ended after ${seconds} s; ${words}]`,
      };
    }
    case 'over-limit':
      return { kind: 'red', exitCode: null, ending: `stopped: too much ${ending.what}`, ...rest };
    case 'cancelled':
      return { kind: 'cancelled', exitCode: null, ending: 'cancelled', ...rest };
    case 'not-started':
      return { kind: 'fault', exitCode: null, ending: ending.reason, ...rest };
    default:
      return ending satisfies never;
  }
}
