import { setTimeout as wait } from 'node:timers/promises';
import type { EventBody } from '../src/events/event.ts';
import { DATABASE, ROLE } from '../src/store/embedded/postgres-cluster.ts';
import { findOrAddRepository } from '../src/store/runs/run-reader.ts';
import { RunStore } from '../src/store/runs/run-store.ts';
import { factsOf, plannedUnit, started } from '../test/helpers/run-events.ts';
import { openProcess } from '../test/helpers/server-process.ts';

/** Units of the run with many events: all work at once. */
const UNITS = 50;

/** What writes to the runs that the dashboard shows, as the processes of workers do. */
export interface RunWriter extends AsyncDisposable {
  /** When each event of {@link BUSY} happened, by its number. Milliseconds since 1970. */
  readonly times: ReadonlyMap<number, number>;
  /** The number of its last event. */
  readonly seq: () => number;
  /** Has events happen in {@link BUSY}, so many a second, evenly. */
  readonly write: (perSecond: number, seconds: number) => Promise<void>;
}

/** The run in which much happens, and the one with many units. */
export const BUSY = 'busy000001';
export const LARGE = 'large00001';

/** Submits both runs to a server, at the socket of its database. */
export async function openRuns(socket: string): Promise<RunWriter> {
  await using stack = new AsyncDisposableStack();
  const address = { host: socket, port: 5432, ssl: false, user: ROLE, database: DATABASE } as const;
  const { database } = stack.use(await openProcess(address));
  const times = new Map<number, number>();
  const runStore = new RunStore(database, {
    onChange: ({ start, events }) => {
      if (start.run === BUSY) for (const { seq, at } of events) times.set(seq, at);
    },
  });
  const submit = async (run: string, units: Parameters<typeof started>[0]): Promise<void> => {
    const repository = await findOrAddRepository(database, `/remote/${run}`, 'one');
    await runStore.submit({ repository, start: started(units, run), plan: {} });
  };
  const add = async (run: string, events: readonly EventBody[]): Promise<void> =>
    runStore.change(run, async (transaction) => events.forEach((event) => transaction.append(event)));

  const large = Array.from({ length: 500 }, (_, at) =>
    plannedUnit(`unit-${at}`, {
      tasks: 3,
      dependsOn: at < 50 ? [] : [`unit-${at - 50}`, `unit-${at - 37}`],
    }),
  );
  await submit(LARGE, large);
  for (let at = 0; at < large.length; at += 50)
    await add(
      LARGE,
      large.slice(at, at + 50).flatMap(({ id }) => workOf(id)),
    );

  const busy = Array.from({ length: UNITS }, (_, at) => `unit-${at}`);
  await submit(
    BUSY,
    busy.map((id) => plannedUnit(id, { tasks: 3 })),
  );
  await add(
    BUSY,
    busy.map((id) => factsOf(id).started()),
  );
  let count = 0;
  const write: RunWriter['write'] = async (perSecond, seconds) => {
    const from = performance.now();
    for (let written = 0; written < perSecond * seconds;) {
      await wait(Math.max(0, from + (written * 1_000) / perSecond - performance.now()));
      const due = Math.floor(((performance.now() - from) * perSecond) / 1_000) + 1;
      const events: EventBody[] = [];
      for (; written < Math.min(due, perSecond * seconds); written += 1) {
        const unit = factsOf(busy[count % UNITS] ?? '');
        const isGate = Math.floor(count / UNITS) % 2 === 0;
        events.push(isGate ? unit.gate(1) : unit.red(1));
        count += 1;
      }
      await add(BUSY, events);
    }
  };
  const kept = stack.move();
  return {
    times,
    seq: () => Math.max(...times.keys()),
    write,
    [Symbol.asyncDispose]: async () => kept.disposeAsync(),
  };
}

/** What happens in a unit of three tasks until it has no more to do. */
function workOf(id: string): readonly EventBody[] {
  const facts = factsOf(id);
  const tasks = [1, 2, 3].flatMap((task) => [
    facts.task(task),
    facts.gate(task),
    facts.invoke(task),
    facts.gate(task),
    facts.green(task),
  ]);
  return [facts.started(), facts.worktree(), ...tasks];
}
