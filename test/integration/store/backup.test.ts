import { execa } from 'execa';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { EventBody } from '../../../src/events/event.ts';
import type { Database } from '../../../src/store/database/database.ts';
import { Dispatcher, type DispatcherOptions } from '../../../src/store/queue/dispatcher.ts';
import { findOrAddRepository } from '../../../src/store/runs/run-reader.ts';
import { openServerStore, type ServerStore } from '../../../src/store/server-store.ts';
import { dataDirectory } from '../../helpers/database-process.ts';
import { startCluster, whyNoCluster } from '../../helpers/own-cluster.ts';
import { commit, plannedUnit, started } from '../../helpers/run-events.ts';

const HOLDER = fileURLToPath(new URL('../../fixtures/hold-claims.ts', import.meta.url));
const RUN = 'backup0001';
const GRAPH = [
  plannedUnit('a'),
  plannedUnit('b', { dependsOn: ['a'] }),
  plannedUnit('c', { dependsOn: ['a'] }),
  plannedUnit('d', { dependsOn: ['b', 'c'] }),
];

function complete(unit: string): readonly EventBody[] {
  return [{ type: 'unit.completed', unit, head: commit('a'), verified: true }];
}

/** The store as a server process has it. */
async function open(place: { readonly url?: string; readonly directory?: string }): Promise<ServerStore> {
  return openServerStore({
    url: place.url,
    dataDirectory: place.directory ?? '/nonexistent',
    name: 'test',
    size: 4,
    tables: 'migrate',
    onError: () => {}, // connections that end with the server
  });
}

async function work(store: ServerStore, act: DispatcherOptions['work']): Promise<Dispatcher> {
  return Dispatcher.start({
    ...store,
    owner: 'test',
    concurrency: 4,
    work: act,
    quantumMs: 600_000,
    onDead: async () => {},
    onError: (what, error) => {
      throw new Error(what, { cause: error });
    },
  });
}

/** Puts the run down and completes its first unit. */
async function begin(store: ServerStore): Promise<void> {
  const repository = await findOrAddRepository(store.database, '/remote/project.git', 'local');
  await store.runStore.submit({
    repository,
    start: started(GRAPH, RUN),
    plan: { configCommit: commit('0') },
  });
  await using _ = await work(store, async ({ unit }, { signal }) => {
    if (unit === 'a') return complete(unit);
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    return [{ type: 'unit.released', unit, reason: 'interrupted', until: null }];
  });
  await expect.poll(() => stateOf(store.database, 'a'), { interval: 20, timeout: 30_000 }).toBe('complete');
}

/** Lets a worker do the rest; the units it was given. */
async function goOn(store: ServerStore): Promise<readonly string[]> {
  const units: string[] = [];
  await using _ = await work(store, async ({ unit }) => {
    units.push(unit);
    return complete(unit);
  });
  const status = () => store.database.selectFrom('runs').select('status').executeTakeFirst();
  await expect.poll(status, { interval: 20, timeout: 30_000 }).toEqual({ status: 'complete' });
  return units;
}

async function stateOf(database: Database, unit: string): Promise<string | undefined> {
  return (await database.selectFrom('units').select('state').where('id', '=', unit).executeTakeFirst())
    ?.state;
}

/** Everything that a run is made of. */
async function contentOf({ database }: ServerStore): Promise<unknown> {
  return {
    runs: await database.selectFrom('runs').selectAll().orderBy('id').execute(),
    units: await database.selectFrom('units').selectAll().orderBy('id').execute(),
    events: await database.selectFrom('events').selectAll().orderBy('seq').execute(),
    records: await database.selectFrom('records').selectAll().execute(),
  };
}

describe('the built-in database', () => {
  test('goes on from a copy of its directory', async () => {
    await using place = await dataDirectory({ empty: true });
    await using other = await dataDirectory({ empty: true });
    let before: unknown;
    {
      await using store = await open({ directory: place.path });
      await begin(store);
      before = await contentOf(store);
    }
    expect(await readdir(place.data)).not.toContain('postmaster.pid'); // docs/operations.md says to look
    await execa('cp', ['-a', place.data, other.path]);
    await using store = await open({ directory: other.path });
    expect(await contentOf(store)).toEqual(before);
    expect([...(await goOn(store))].sort()).toEqual(['b', 'c', 'd']);
  });
});

describe(`a PostgreSQL of the operator's${whyNoCluster}`, () => {
  test.skipIf(whyNoCluster !== '')(
    'goes on from a dump that was taken while units were worked on',
    async () => {
      await using cluster = await startCluster();
      const { host, run, url } = cluster;
      const who = ['-h', host, '-U', 'choo'];
      const dump = join(host, 'choo.dump');
      await run('createdb', ...who, 'choo');
      let before: unknown;
      {
        await using store = await open({ url });
        await begin(store);
        const holder = execa(process.execPath, [HOLDER, host, 'choo', 'choo'], { reject: false });
        const held: string[] = [];
        for await (const line of createInterface({ input: holder.stdout })) if (held.push(line) === 2) break;
        expect(held.sort()).toEqual(['b', 'c']);
        before = await contentOf(store);
        await run('pg_dump', ...who, '-Fc', '-f', dump, 'choo');
        holder.kill('SIGKILL');
        await holder;
        // What happens after the dump is lost with the database.
        expect([...(await goOn(store))].sort()).toEqual(['b', 'c', 'd']);
      }
      await run('dropdb', ...who, 'choo');
      await run('createdb', ...who, 'choo');
      await run('pg_restore', ...who, '-d', 'choo', '--exit-on-error', dump);
      await using store = await open({ url });
      expect(await contentOf(store)).toEqual(before);
      expect([...(await goOn(store))].sort()).toEqual(['b', 'c', 'd']);
    },
  );
});
