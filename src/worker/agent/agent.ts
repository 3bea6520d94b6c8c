import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { Task } from '../../discovery/unit.ts';
import { classify, type Outcome } from '../../provider/outcome/outcome.ts';
import type { AgentEvent, Assignment, Provider } from '../../provider/provider.ts';
import type { Ending, Sandbox, SandboxPaths } from '../../sandbox/sandbox.ts';
import type { Executable } from '../../system/executables.ts';
import { removeTree } from '../../system/remove-tree.ts';
import { ExitTimer } from './exit-timer.ts';
import { isFree, Meter } from './meter.ts';
import type { Reservation, Usage } from './reservation.ts';

/** A provider, ready to start on this machine. */
export interface Agent {
  readonly provider: Provider;
  readonly executable: Executable;
  readonly model: string | undefined;
  readonly args: readonly string[];
  /** The variables it declares that are set. */
  readonly variables: Readonly<Record<string, string>>;
}

/** One invocation and its callbacks. */
export interface AgentCall {
  readonly prompt: string;
  readonly task: Pick<Task, 'title' | 'file'>;
  /** See {@link Assignment}. */
  readonly rehearsed?: Assignment['rehearsed'];
  readonly cwd: string;
  readonly reservation: Reservation;
  readonly taskTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** How long it may print nothing after its result before it is killed. Milliseconds. */
  readonly exitMs: number;
  readonly signal: AbortSignal;
  readonly onEvent: (event: AgentEvent) => void;
  readonly onUsage: (usage: Usage) => void;
}

export interface AgentEnd {
  readonly outcome: Outcome;
  /** Whether its budget ran out while it worked. */
  readonly overBudget: boolean;
  readonly usage: Usage;
  readonly durationMs: number;
}

/** Runs an agent once and reads its stream. Its state directory below `scratch` is removed when it ends. */
export async function runAgent(
  { provider, executable, model, args, variables }: Agent,
  place: { readonly sandbox: Sandbox; readonly workplace: SandboxPaths; readonly scratch: string },
  call: AgentCall,
): Promise<AgentEnd> {
  await mkdir(place.scratch, { recursive: true, mode: 0o755 });
  const stateDirectory = await mkdtemp(join(place.scratch, 'agent-'));
  try {
    const invocation = provider.invocation({
      prompt: call.prompt,
      task: call.task,
      rehearsed: call.rehearsed,
      model,
      args,
      command: executable.path,
      cwd: join(place.sandbox.placeOf(place.workplace), relative(place.workplace.worktree, call.cwd)),
      stateDirectory,
      variables,
      sandboxed: place.sandbox.kind === 'bubblewrap',
    });
    for (const [path, text] of Object.entries(invocation.files)) {
      await mkdir(dirname(join(stateDirectory, path)), { recursive: true });
      await writeFile(join(stateDirectory, path), text);
    }
    await place.sandbox.chownToSandboxUser(stateDirectory);

    const parse = provider.createParser();
    const reports: AgentEvent[] = [];
    const budget = new AbortController();
    using lastWord = new ExitTimer(call.exitMs);
    const meter = new Meter(model, isFree(provider));
    const result = await place.sandbox.exec(place.workplace, {
      profile: provider.profile,
      argv: [invocation.executable, ...invocation.args],
      cwd: call.cwd,
      env: invocation.env,
      ...(invocation.stdin === undefined ? {} : { stdin: invocation.stdin }),
      readable: executable.readable,
      writable: [stateDirectory],
      signal: AbortSignal.any([call.signal, budget.signal, lastWord.signal]),
      totalMs: call.taskTimeoutMs,
      idleMs: call.idleTimeoutMs,
      onLine: (line) => {
        const events = parse(line);
        lastWord.heard(events);
        for (const event of events) {
          if (meter.take(event)) {
            call.onUsage(meter.usage);
            if (!call.reservation.use(meter.usage)) budget.abort();
          } else {
            if (event.type === 'trouble' || event.type === 'result') keepLatest(reports, event);
            call.onEvent(event);
          }
        }
      },
    });
    const isCalledOff = call.signal.aborted || budget.signal.aborted;
    const hangs = ['cancelled', 'stalled', 'timed-out'].includes(result.ending.kind) && lastWord.isSaid;
    const ending: Ending = hangs && !isCalledOff ? { kind: 'exited', exitCode: 0 } : result.ending;
    const outcome = classify(provider, { ...result, ending }, reports);
    return {
      outcome,
      overBudget: budget.signal.aborted,
      usage: meter.charge(outcome, call.reservation),
      durationMs: result.durationMs,
    };
  } finally {
    await removeTree(stateDirectory).catch(() => {}); // the next run removes leftovers
  }
}

/** Reports that are kept for the outcome: a stream may repeat the same provider error for ever. */
const MAX_REPORTS = 100;

function keepLatest(events: AgentEvent[], event: AgentEvent): void {
  events.push(event);
  if (events.length > MAX_REPORTS) events.shift();
}
