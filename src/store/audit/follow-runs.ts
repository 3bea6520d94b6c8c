import { sql } from 'kysely';
import { parseEvent, type RunEvent } from '../../events/event.ts';
import { lineOf, nameOfRemote } from '../../events/run-story.ts';
import type { Database, Trx } from '../database/database.ts';
import { appendEntries, type AuditEntry } from './chain.ts';

/** Events that an audit shows: who asked, what ran, what it cost, what was pushed, and how it ended. */
const AUDITED: readonly RunEvent['type'][] = [
  'orch.started',
  'orch.retargeted',
  'orch.cancelled',
  'orch.completed',
  'orch.failed',
  'unit.completed',
  'unit.failed',
  'unit.cancelled',
  'unit.skipped',
  'unit.retried',
  'task.provider.done',
  'branch.pushed',
];

/** Runs that are followed at once. */
const MAX_RUNS = 20;

/** A run with events that were not followed yet. */
export interface FollowedRun {
  readonly run: string;
  readonly repository: string | null;
  /** Its thread on GitHub; null: it has none. */
  readonly url: string | null;
  /** It only brings a branch up to date. */
  readonly isUpdate: boolean;
  /** Those that an audit shows. */
  readonly events: readonly RunEvent[];
}

/**
 * Writes to the audit what the events of runs say since the last time. One process does at a time, in a transaction that locks no
 * run, so a run never waits for it. `also` writes other rows that follow from these events, in the same transaction. Returns whether
 * there may be more.
 */
export async function followRuns(
  database: Database,
  also: (trx: Trx, runs: readonly FollowedRun[]) => Promise<void> = async () => {},
): Promise<boolean> {
  return database.transaction().execute(async (trx) => {
    const { rows: locks } = await sql<{ mine: boolean }>`
      select pg_try_advisory_xact_lock(hashtext('choo audit')) as mine`.execute(trx);
    if (locks[0]?.mine !== true) return false;
    const { rows: due } = await sql<DueRun>`
      select runs.id as run, coalesce(audited.seq, 0) as after, runs.seq as upto, runs.purpose,
        first.body ->> 'remote' as remote, reports.thread
      from runs left join audited_runs as audited on audited.run = runs.id
        join events as first on first.run = runs.id and first.seq = 1
        left join reports on reports.run = runs.id
      where runs.seq > coalesce(audited.seq, 0) order by runs.last_at limit ${MAX_RUNS}`.execute(trx);
    if (due.length === 0) return false;
    const { rows } = await sql<{ run: string; seq: number; at: number; body: object }>`
      select events.run, events.seq, events.at, events.body
      from unnest(${due.map(({ run }) => run)}::text[], ${due.map(({ after }) => after)}::int[],
                  ${due.map(({ upto }) => upto)}::int[]) as due (run, after, upto)
        join events on events.run = due.run and events.seq > due.after and events.seq <= due.upto
      where events.body ->> 'type' = any(${AUDITED}::text[])
      order by events.at, events.run, events.seq`.execute(trx);
    const names = new Map(due.map(({ run, remote }) => [run, nameOfRemote(remote)]));
    const events = rows.flatMap(({ run, seq, at, body }) => {
      const event = parseEvent({ ...body, seq, at });
      return event === undefined ? [] : [{ run, event }];
    });
    await appendEntries(
      trx,
      events.map(({ run, event }) => entryOf(run, names.get(run) ?? null, event)),
    );
    const byRun = Map.groupBy(events, ({ run }) => run);
    await also(
      trx,
      due.map(({ run, remote, thread, purpose }) => ({
        run,
        repository: names.get(run) ?? null,
        url: thread === null || remote === null ? null : `${remote.replace(/\.git$/, '')}/issues/${thread}`,
        isUpdate: purpose === 'update',
        events: (byRun.get(run) ?? []).map(({ event }) => event),
      })),
    );
    await sql`
      insert into audited_runs (run, seq)
      select * from unnest(${due.map(({ run }) => run)}::text[], ${due.map(({ upto }) => upto)}::int[])
      on conflict (run) do update set seq = excluded.seq`.execute(trx);
    return due.length === MAX_RUNS;
  });
}

interface DueRun {
  readonly run: string;
  readonly after: number;
  readonly upto: number;
  readonly purpose: string;
  readonly remote: string | null;
  readonly thread: number | null;
}

function entryOf(run: string, repository: string | null, event: RunEvent): AuditEntry {
  const { message, facts } = lineOf(event) ?? { message: event.type, facts: {} };
  const unit = 'unit' in event ? { unit: event.unit } : {};
  return {
    source: `run ${run} ${event.seq}`,
    at: event.at,
    what: message,
    facts: { repository, run, ...unit, ...facts },
  };
}
