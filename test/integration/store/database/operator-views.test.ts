import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readFile } from 'node:fs/promises';
import { openDatabase } from '../../../../src/store/database/database.ts';
import {
  OPERATOR_VIEWS,
  type OperatorViewName,
  readOperatorView,
} from '../../../../src/store/database/operator-views.ts';
import { readServerFigures } from '../../../../src/store/database/server-figures.ts';
import { metricsOf } from '../../../../src/server/server-metrics.ts';
import { renderMetrics } from '../../../../src/web/metrics.ts';
import { openTestDatabase } from '../../../helpers/database.ts';
import { plannedUnit, started } from '../../../helpers/run-events.ts';
import { openServerStore } from '../../../helpers/server-store.ts';

describe('what an operator asks', () => {
  test.each(Object.keys(OPERATOR_VIEWS) as OperatorViewName[])(
    '%s can be asked of an idle server',
    async (name) => {
      const { connection, ...place } = await openTestDatabase({ tables: true });
      await using _place = place;
      const database = openDatabase(connection, { name: 'test', onError: () => {} });
      expect(await readOperatorView(database, name)).toEqual([]);
      await database.destroy();
    },
  );

  test('shows what waits, what failed and what it cost, and the same in figures', async () => {
    await using store = await openServerStore();
    await using process = await store.open();
    const { database, runStore } = process;
    const repository = await store.repository();
    await runStore.submit({
      repository,
      start: started([plannedUnit('api'), plannedUnit('ui', { dependsOn: ['api'] })]),
      plan: {},
    });
    const delivery = {
      event: 'push',
      thread: 'push 1',
      payload: '{}',
      github_repository: null,
      not_before: new Date(),
    };
    await database
      .insertInto('deliveries')
      .values([
        { ...delivery, id: 'one', tries: 1, trouble: 'GitHub is down', handled_at: null },
        { ...delivery, id: 'two', tries: 8, trouble: 'no such commit', handled_at: new Date() },
        { ...delivery, id: 'three', tries: 0, trouble: null, handled_at: new Date() },
      ])
      .execute();
    const today = new Date().toISOString().slice(0, 10);
    await database
      .insertInto('day_spending')
      .values([
        { day: today, installation: 'git.example/team', run: 'run0000001', tokens: 1_200, cost: 0.125 },
      ])
      .execute();

    expect(await readOperatorView(database, 'queue')).toMatchObject([
      { run: 'run0000001', unit: 'api', quarantined: false },
    ]);
    expect(await readOperatorView(database, 'deliveries')).toMatchObject([
      { id: 'one', given_up: false, trouble: 'GitHub is down' },
      { id: 'two', given_up: true },
    ]);
    expect(await readOperatorView(database, 'spending')).toEqual([
      { day: today, installation: 'git.example/team', tokens: 1_200, dollars: 0.13 },
    ]);
    const text = renderMetrics(metricsOf(await readServerFigures(database)));
    expect(text).toContain('choo_units{state="queued"} 1\n');
    expect(text).toContain('choo_units{state="waiting"} 1\n');
    expect(text).toContain('choo_units{state="running"} 0\n');
    expect(text).toContain('choo_deliveries_waiting 1\n');
    expect(text).toContain('choo_deliveries_given_up 1\n');
    expect(text).toContain('choo_day_cost_dollars 0.125\n');
    expect(text).not.toMatch(/run0000001|team/);
  });
});

test('alert rules name metrics that there are', async () => {
  const { connection, ...place } = await openTestDatabase({ tables: true });
  await using _place = place;
  const database = openDatabase(connection, { name: 'test', onError: () => {} });
  const known = new Set(metricsOf(await readServerFigures(database)).map(({ name }) => name));
  await database.destroy();
  const rules = parse(
    await readFile(new URL('../../../../docs/choo-alerts.yml', import.meta.url), 'utf8'),
  ) as {
    groups: { rules: { alert: string; expr: string; annotations: { summary: string } }[] }[];
  };
  const named = rules.groups
    .flatMap((group) => group.rules)
    .flatMap(({ expr }) => expr.match(/choo_[a-z_]+/g) ?? []);
  expect(named.length).toBeGreaterThan(4);
  expect(named.filter((name) => !known.has(name))).toEqual([]);
});
