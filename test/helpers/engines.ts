import { join } from 'node:path';
import { expect } from 'vitest';
import { ceilingsOf } from '../../src/config/ceilings.ts';
import { DEFAULT_CONFIG } from '../../src/config/schema.ts';
import { readProjectAtCommit } from '../../src/cli/sources/project-at-commit.ts';
import type { RunEvent } from '../../src/events/event.ts';
import type { UnitRecord } from '../../src/events/store.ts';
import { Repository, repositoryHome, scratchDirectory } from '../../src/git/repository.ts';
import { WorktreeManager } from '../../src/git/worktree.ts';
import { Orchestrator } from '../../src/orchestrator/local/orchestrator.ts';
import { describeStart, limitsOf, newRunId } from '../../src/orchestrator/run-start.ts';
import { ServerContexts } from '../../src/orchestrator/server/server-context.ts';
import { ServerWorker } from '../../src/orchestrator/server/server-worker.ts';
import { submitRun } from '../../src/orchestrator/server/submit.ts';
import { makePlan } from '../../src/plan/plan.ts';
import { performInline } from '../../src/plan-thread/plan-thread.ts';
import { openHostSandbox } from '../../src/sandbox/host.ts';
import { Journal } from '../../src/store/journal/journal.ts';
import { cancelRun } from '../../src/store/runs/change-run.ts';
import { saveOutcome, readEvents } from '../../src/store/runs/event-rows.ts';
import { createAgents } from '../../src/worker/agent/agents.ts';
import { DEFAULT_RATE_LIMIT_POLICY } from '../../src/worker/unit-job.ts';
import { git } from './git-repository.ts';
import { openServerStore } from './server-store.ts';
import { makeProject, type ProjectSpec } from './spec-project.ts';

const SEARCH_PATH = process.env['PATH'] ?? '';
const PATIENT = { interval: 50, timeout: 60_000 };

/** What both engines are put to. */
export interface Scenario {
  readonly spec: ProjectSpec;
  /** What is in the repository before the run. */
  readonly prepare?: (repository: string) => Promise<void>;
  /** A run before the one that is looked at; and what became of the pull requests of its units. */
  readonly earlier?: { readonly outcome?: UnitRecord['outcome'] };
  /** The engine is asked to stop once an event of this type is safe. */
  readonly stopAt?: RunEvent['type'];
  /** The run, or one unit of it, is cancelled once an event of this type is safe. */
  readonly cancel?: { readonly at: RunEvent['type']; readonly units: readonly string[] };
}

/** Carries a scenario out; returns the events of its last run. */
export type Engine = (scenario: Scenario) => Promise<readonly RunEvent[]>;

/** The orchestrator of `choo run`, on a journal. */
export const runLocally: Engine = async ({ spec, prepare, earlier, stopAt, cancel }) => {
  await using project = await makeProject(spec);
  await prepare?.(project.path);
  const read = await readProjectAtCommit(project.path, 'HEAD', SEARCH_PATH);
  const { configuration, discovery } = read.project;
  const config = configuration.config ?? DEFAULT_CONFIG;
  const plan = makePlan({
    ...read.project,
    source: { kind: 'commit', name: 'HEAD', commit: read.commit },
  });
  expect(plan.problems.list.filter(({ severity }) => severity === 'error')).toEqual([]);
  const home = repositoryHome(project.dataDirectory, read.place);
  await using journal = new Journal(read.place.commonDirectory);
  await using repository = await Repository.open(read.place, home, SEARCH_PATH);
  const run = async (outcome?: UnitRecord['outcome']): Promise<readonly RunEvent[]> => {
    const events: RunEvent[] = [];
    const stop = new AbortController();
    const changed: Promise<unknown>[] = [];
    const start = describeStart(
      {
        ...{ plan, fresh: new Set<string>(), target: 'main', commit: read.commit, directory: '' },
        ...{ sandbox: 'host', parallelism: config.parallelism, verify: config.verify },
        ...{ limits: limitsOf(config), actor: null, remote: null },
      },
      newRunId(),
    );
    const store = {
      append: journal.append.bind(journal),
      // A journal knows of no pull requests.
      record: async (target: string, unit: string) => {
        const record = await journal.record(target, unit);
        return record && outcome ? { ...record, outcome } : record;
      },
      read: journal.read.bind(journal),
      subscribe: journal.subscribe.bind(journal),
      runs: journal.runs.bind(journal),
      [Symbol.asyncDispose]: async () => {},
    };
    const orchestrator = new Orchestrator(
      { start, before: undefined, units: discovery.units, config, keepWorktrees: false },
      {
        store,
        repository,
        worktrees: new WorktreeManager(repository, SEARCH_PATH),
        sandbox: openHostSandbox({ searchPath: SEARCH_PATH, owner: `choo-${start.run}`, home }),
        agentOf: createAgents(config, SEARCH_PATH),
        redact: (text) => text,
        secretForms: [],
        openLog: () => ({ write: () => {}, [Symbol.dispose]: () => {} }),
        logDirectory: project.dataDirectory,
        scratch: scratchDirectory(home),
        rateLimits: DEFAULT_RATE_LIMIT_POLICY,
        onEvents: (more) => {
          events.push(...more);
          if (more.some(({ type }) => type === stopAt)) stop.abort();
          if (cancel !== undefined && more.some(({ type }) => type === cancel.at))
            changed.push(
              orchestrator.change({
                kind: 'cancel',
                units: cancel.units,
                actor: 'test',
                fresh: false,
                from: null,
              }),
            );
        },
        onActivity: () => {},
      },
    );
    await orchestrator.run(stop.signal);
    await Promise.all(changed);
    return events;
  };
  if (earlier !== undefined) await run();
  return await run(earlier?.outcome); // before what it uses is disposed of
};

/** A run of a server: submitted, and carried out by a worker of a database. */
export const runOnServer: Engine = async ({ spec, prepare, earlier, stopAt, cancel }) => {
  await using project = await makeProject(spec);
  await prepare?.(project.path);
  const remote = join(project.path, '../remote.git');
  await git(project.path, 'clone', '--quiet', '--bare', project.path, remote);
  await using server = await openServerStore();
  await using store = await server.open();
  const { dataDirectory } = project;
  await using contexts = new ServerContexts(store, {
    ...{ dataDirectory, searchPath: SEARCH_PATH, ceilings: ceilingsOf({}), perform: performInline() },
  });
  const worker = new ServerWorker(
    {
      ...store,
      contexts,
      sandbox: openHostSandbox({ searchPath: SEARCH_PATH, owner: 'choo-test', home: dataDirectory }),
      agentsOf: (config) => createAgents(config, SEARCH_PATH),
      redact: (text) => text,
      secretForms: [],
    },
    4,
  );
  const repository = await server.repository(remote);
  const run = async (): Promise<readonly RunEvent[]> => {
    const submitted = await submitRun(
      {
        ...{ repository, remote, actor: 'test', sandbox: 'host', allowedProviders: undefined },
        candidates: { forced: undefined, request: undefined, environment: undefined },
      },
      { ...store, contexts },
    );
    if (submitted.kind !== 'run') throw new Error(submitted.kind);
    const events = async () => readEvents(store.database, submitted.run);
    const has = async (...types: readonly string[]) =>
      (await events()).some(({ type }) => types.includes(type));
    const dispatcher = await store.work(async (claim, teller) => worker.work(claim, teller));
    if (cancel !== undefined) {
      await expect.poll(async () => has(cancel.at), PATIENT).toBe(true);
      await cancelRun(store.runStore, { run: submitted.run, units: cancel.units, actor: 'test' });
    }
    const awaited = stopAt === undefined ? ['orch.completed', 'orch.failed', 'orch.cancelled'] : [stopAt];
    await expect.poll(async () => has(...awaited), PATIENT).toBe(true);
    await dispatcher[Symbol.asyncDispose]();
    return await events();
  };
  if (earlier === undefined) return await run();
  for (const { type, ...event } of await run()) {
    if (type !== 'unit.completed' || !('unit' in event) || earlier.outcome === undefined) continue;
    const { unit } = event;
    await saveOutcome(store.database, repository, { target: 'main', unit, outcome: earlier.outcome });
  }
  return await run();
};
