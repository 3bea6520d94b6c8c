import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DEFAULT_CONFIG, type ProviderName } from '../../src/config/schema.ts';
import type { EventBody } from '../../src/events/event.ts';
import { createProvider } from '../../src/provider/by-name.ts';
import { openHostSandbox } from '../../src/sandbox/host.ts';
import type { AgentEnd } from '../../src/worker/agent/agent.ts';
import { Budget, type BudgetLimits } from '../../src/worker/agent/budget.ts';
import { Invoker } from '../../src/worker/invocation.ts';
import { DEFAULT_RATE_LIMIT_POLICY, type RateLimitPolicy } from '../../src/worker/unit-job.ts';
import { UnitLog } from '../../src/worker/unit-log.ts';
import { taskFile } from '../unit/provider/task-file.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const ENDLESS = Number.POSITIVE_INFINITY;

/** A unit's agent: a shell script that speaks as a CLI does, started as choo starts that CLI. */
export interface AgentWorld extends AsyncDisposable {
  /** The worktree. */
  readonly path: string;
  /** What was noted, in order. */
  readonly events: readonly EventBody[];
  readonly budget: Budget;
  /** One attempt at a task; waits and starts again as a worker would. */
  readonly attempt: () => Promise<AgentEnd>;
  readonly of: <T extends EventBody['type']>(type: T) => readonly Extract<EventBody, { type: T }>[];
}

/** `limits` without a number: no limit. */
export async function openAgentWorld(
  provider: ProviderName,
  script: string,
  {
    patience = {},
    limits = {},
    model,
    idleMs = 60_000,
  }: {
    readonly patience?: Partial<RateLimitPolicy>;
    readonly limits?: Partial<Record<'tokens' | 'cost', number>>;
    readonly model?: string;
    readonly idleMs?: number;
  } = {},
): Promise<AgentWorld> {
  const place = await temporaryDirectory();
  const [path, state, command] = ['worktree', 'state', 'agent.sh'].map((name) => join(place.path, name));
  if (path === undefined || state === undefined || command === undefined)
    throw new Error('there is no place');
  await mkdir(path);
  await writeFile(command, `#!/bin/bash\ncat > /dev/null\n${script}\n`, { mode: 0o755 });
  const events: EventBody[] = [];
  const amount = { tokens: limits.tokens ?? ENDLESS, cost: limits.cost ?? ENDLESS };
  const bounds: BudgetLimits = { unit: amount, run: amount };
  const budget = new Budget(bounds);
  const log = new UnitLog({ write: () => {}, [Symbol.dispose]: () => {} }, (text) => text);
  const invoker = new Invoker(
    {
      unit: { id: 'unit' },
      config: {
        ...DEFAULT_CONFIG,
        limits: { ...DEFAULT_CONFIG.limits, task_timeout: 120_000, idle_timeout: idleMs },
      },
      waited: { limits: 0, outages: 0 },
    },
    {
      agent: {
        provider: createProvider(provider),
        executable: { path: command, readable: [] },
        model,
        args: [],
        variables: {},
      },
      sandbox: openHostSandbox({
        searchPath: process.env['PATH'] ?? '',
        owner: `agent-world-${process.pid}`,
        home: place.path,
      }),
      budget,
      log,
      append: (event) => events.push(event),
      onActivity: () => {},
      rateLimits: { ...DEFAULT_RATE_LIMIT_POLICY, ...patience },
      recorded: async () => {},
      scratch: state,
      signal: new AbortController().signal,
    },
    {
      idle: async () => {},
      commands: {
        workplace: { worktree: path, readable: [] },
        cwd: path,
        forPeople: (text) => text,
      },
    },
  );
  return {
    path,
    events,
    budget,
    attempt: async () =>
      invoker.attempt({
        task: 1,
        file: { title: 'A task', file: taskFile('Do it.\n') },
        attempt: 1,
        prompt: 'Do it.',
      }),
    of: (type) =>
      events.filter((event): event is Extract<EventBody, { type: typeof type }> => event.type === type),
    [Symbol.asyncDispose]: async () => {
      log[Symbol.dispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}

/** Lines for a script that prints these values as JSON, one a line. */
export function print(...lines: readonly object[]): string {
  return lines.map((line) => `echo '${JSON.stringify(line).replaceAll("'", "'\\''")}'`).join('\n');
}
