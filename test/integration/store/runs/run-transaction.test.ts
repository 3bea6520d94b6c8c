import { expect, test } from 'vitest';
import type { Trx } from '../../../../src/store/database/database.ts';
import type { EventBody } from '../../../../src/events/event.ts';
import { upsertRepository } from '../../../../src/store/github/github-repositories.ts';
import { insertReport, publishNextReport, type PublishResult } from '../../../../src/store/github/reports.ts';
import { claimUnits } from '../../../../src/store/queue/claims.ts';
import { registerWorker } from '../../../../src/store/queue/worker-registry.ts';
import { cancelRun } from '../../../../src/store/runs/change-run.ts';
import { factsOf, plannedUnit, started } from '../../../helpers/run-events.ts';
import { openServerStore } from '../../../helpers/server-store.ts';

const PUBLISHED: PublishResult = { kind: 'published' };

test('a run is published again when nothing works on its unit any more, and not while something does', async () => {
  await using server = await openServerStore();
  await using store = await server.open();
  const { database, runStore } = store;
  const known = { githubId: 1, installation: 7, owner: 'team', name: 'widgets' };
  const remote = '/srv/widgets.git';
  const { id: repository } = await upsertRepository(database, { ...known, remote, defaultBranch: 'main' });
  const submit = async (run: string, alongside?: (trx: Trx) => Promise<void>): Promise<void> => {
    const start = started([plannedUnit('api')], run);
    await runStore.submit({ repository, start, plan: {}, ...(alongside && { alongside }) });
  };
  const { number: worker } = await registerWorker(database, 'test');
  const api = factsOf('api');
  const claim = async () => {
    const [claimed] = await claimUnits(database, worker, { free: 1 });
    if (claimed === undefined) throw new Error('there is no unit to claim');
    return async (...events: EventBody[]): Promise<void> =>
      runStore.write(claimed.run, { ...claimed, worker, batch: 1, events, ended: true });
  };
  const published = async (): Promise<readonly string[]> => {
    const runs: string[] = [];
    while ((await publishNextReport(database, async ({ run }) => (runs.push(run), PUBLISHED))) !== undefined);
    return runs;
  };
  const report = { run: 'run0000001', repository, thread: 1, isPull: false, base: 'main', actorId: null };
  await submit(report.run, async (trx) => insertReport(trx, report));
  const end = await claim();
  await end(api.started(), api.completed());
  expect(await published()).toEqual(['run0000001']);

  await submit('run0000002');
  const second = await claim();
  expect(await published()).toEqual([]);
  await second(api.satisfied());
  expect(await published()).toEqual(['run0000001']);

  await submit('run0000003');
  const third = await claim();
  await cancelRun(runStore, { run: 'run0000003', actor: 'ann' });
  await published();
  await third(); // its worker has stopped only now
  expect(await published()).toEqual(['run0000001']);
});
