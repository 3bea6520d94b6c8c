import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { ceilingsOf } from '../../src/config/ceilings.ts';
import type { RunEvent } from '../../src/events/event.ts';
import type { ReviewRequest } from '../../src/events/review-request.ts';
import { ServerContexts } from '../../src/orchestrator/server/server-context.ts';
import { ServerWorker } from '../../src/orchestrator/server/server-worker.ts';
import { submitUpdate, type UpdateRequest } from '../../src/orchestrator/server/submit-update.ts';
import { submitRun } from '../../src/orchestrator/server/submit.ts';
import { performInline } from '../../src/plan-thread/plan-thread.ts';
import { openHostSandbox } from '../../src/sandbox/host.ts';
import { Dispatcher } from '../../src/store/queue/dispatcher.ts';
import type { ClaimReporter } from '../../src/store/runs/claim.ts';
import { readEvents } from '../../src/store/runs/event-rows.ts';
import { PostgresStore } from '../../src/store/runs/postgres.ts';
import { findUpdate } from '../../src/store/runs/updates.ts';
import { createAgents } from '../../src/worker/agent/agents.ts';
import { commitFiles, git } from './git-repository.ts';
import { openServerStore } from './server-store.ts';
import { projectFiles, type UnitSpec } from './spec-project.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const SEARCH_PATH = process.env['PATH'] ?? '';
const PATIENT = { interval: 50, timeout: 120_000 };
/** An update; without `work` no agent starts. */
type Asked = Pick<UpdateRequest, 'unit' | 'head' | 'onto'> & Partial<Pick<UpdateRequest, 'work' | 'also'>>;
const ENDS: readonly string[] = ['orch.completed', 'orch.failed', 'orch.cancelled'];

/**
 * A remote whose `main` has `files`, and whose branch `specs` adds `units`, all of which were run for `main`. From then on no
 * agent can be started. `user` is a person's clone, with all branches.
 */
export async function openUpdateWorld({
  units,
  files = {},
}: {
  readonly units: Readonly<Record<string, UnitSpec>>;
  readonly files?: Readonly<Record<string, string>>;
}) {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await temporaryDirectory());
  const [user, remote] = [join(place.path, 'user'), join(place.path, 'remote.git')];
  const dataDirectory = join(place.path, 'data');
  await mkdir(user);
  const all = Object.entries(projectFiles({ units, files }));
  const isSpec = ([path]: readonly [string, string]): boolean => path.startsWith('specs/');
  const first = await commitFiles(user, Object.fromEntries(all.filter((file) => !isSpec(file))));
  await git(user, 'checkout', '--quiet', '-b', 'specs');
  const specs = await commitFiles(user, Object.fromEntries(all.filter(isSpec)));
  await git(user, 'clone', '--quiet', '--bare', user, remote);
  await git(user, 'remote', 'add', 'origin', remote);

  const server = stack.use(await openServerStore());
  const store = stack.use(await server.open());
  const { database, listener } = store;
  const contexts = stack.use(
    new ServerContexts(store, {
      ...{ dataDirectory, searchPath: SEARCH_PATH, ceilings: ceilingsOf({}), perform: performInline() },
    }),
  );
  let mayStartAgents = true;
  const rounds = new Map<string, ReviewRequest>();
  const worker = new ServerWorker(
    {
      ...store,
      contexts,
      sandbox: openHostSandbox({ searchPath: SEARCH_PATH, owner: 'choo-test', home: dataDirectory }),
      agentsOf: (config) => {
        if (!mayStartAgents) throw new Error('no agent may be looked for');
        return createAgents(config, SEARCH_PATH);
      },
      redact: (text) => text,
      secretForms: [],
      readRound: async (round) => rounds.get(round),
    },
    4,
  );
  const repository = await server.repository(remote);
  const submit = async (names?: readonly string[], fresh = false): Promise<string> => {
    const submitted = await submitRun(
      {
        ...{ repository, remote, actor: 'ada', sandbox: 'host', allowedProviders: undefined, fresh },
        at: { commit: specs, target: 'main', configCommit: first },
        units: names,
        candidates: { forced: undefined, request: undefined, environment: undefined },
      },
      { ...store, contexts },
    );
    if (submitted.kind !== 'run') throw new Error(submitted.kind);
    return submitted.run;
  };
  const events = async (run: string): Promise<readonly RunEvent[]> => readEvents(database, run);
  const has = async (run: string, types: readonly string[]): Promise<boolean> =>
    (await events(run)).some(({ type }) => types.includes(type));
  const until = async (run: string, ...types: readonly string[]): Promise<void> => {
    // Also where a hook opens the world.
    await vi.waitFor(async () => expect(await has(run, types)).toBe(true), PATIENT);
  };
  /** Every reporter passes here: a test can let a claim die when it reports. */
  let beforeReport: (events: readonly { readonly type: string }[]) => void = () => {};
  stack.use(
    await Dispatcher.start({
      ...store,
      ...{ owner: 'test', concurrency: 4, quantumMs: 600_000, onDead: async () => {} },
      onError: () => {}, // a claim that a test lets die
      work: async (claim, reporter) => {
        const report: ClaimReporter['report'] = async (more) => {
          beforeReport(more);
          await reporter.report(more);
        };
        return worker.work(claim, { ...reporter, report });
      },
    }),
  );
  const run = await submit();
  await until(run, ...ENDS);
  if (!(await has(run, ['orch.completed']))) throw new Error(JSON.stringify(await events(run)));
  mayStartAgents = false;

  const inRemote = async (...args: string[]): Promise<string> => git(remote, ...args);
  const headOf = async (branch: string): Promise<string> => inRemote('rev-parse', `refs/heads/${branch}`);
  const begin = async (request: Asked) =>
    submitUpdate({ repository, target: 'main', run, work: null, ...request }, store);
  const kept = stack.move();
  return {
    ...{ user, remote, specs, run, store, repository, git: inRemote, headOf, submit, events, until, begin },
    branch: (unit: string): string => `choo/unit/main/${unit}`,
    unitHead: async (unit: string): Promise<string> => headOf(`choo/unit/main/${unit}`),
    allowAgents: (may: boolean): void => void (mayStartAgents = may),
    /** Freezes what a round of review asks for. */
    freeze: (request: ReviewRequest): void => void rounds.set(request.round, request),
    onReport: (act: typeof beforeReport): void => void (beforeReport = act),
    record: async (unit: string) => {
      await using records = new PostgresStore(database, listener, repository);
      return records.record('main', unit);
    },
    /** What choo's own copy retains that no branch holds, sorted. */
    retained: async (): Promise<readonly string[]> => {
      using copy = await contexts.remotes.open(repository);
      const refs = await copy.repository.git.run(
        'for-each-ref',
        '--format=%(objectname)',
        'refs/choo/retained',
      );
      return refs.trim().split('\n').sort();
    },
    /** A person's work: on a branch of the remote, pushed at the end. Returns the branch's new head. */
    person: async (branch: string, act: (directory: string) => Promise<unknown>, force = false) => {
      await git(user, 'fetch', '--quiet', 'origin');
      await git(user, 'checkout', '--quiet', '--force', '-B', 'mine', `origin/${branch}`);
      await act(user);
      await git(user, 'push', '--quiet', ...(force ? ['--force'] : []), 'origin', `mine:${branch}`);
      return git(user, 'rev-parse', 'HEAD');
    },
    /** Submits an update, waits for its end, and returns what is found of it. */
    update: async (request: Asked) => {
      const submitted = await begin(request);
      if (submitted.kind !== 'run') throw new Error(submitted.kind);
      await until(submitted.run, ...ENDS);
      return findUpdate(database, { repository, target: 'main', unit: request.unit });
    },
    [Symbol.asyncDispose]: async () => kept.disposeAsync(),
  };
}

export type UpdateWorld = Awaited<ReturnType<typeof openUpdateWorld>>;
