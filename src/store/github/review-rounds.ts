import { sql } from 'kysely';
import type { ReviewRequest } from '../../events/review-request.ts';
import type { Database } from '../database/database.ts';
import type { RoundContent } from '../database/github-tables.ts';

/** A round of review of a unit's pull request, as it was frozen. */
export interface NewRound {
  readonly id: string;
  /** choo's own number of the repository. */
  readonly repository: string;
  readonly target: string;
  readonly unit: string;
  /** The number of the pull request. */
  readonly pull: number;
  /** The review or command that it comes from; each asks once. */
  readonly source: string;
  /** `review`: it starts by itself. `fix`, `ci`: a person's command. */
  readonly kind: 'review' | 'fix' | 'ci';
  readonly actorId: number;
  readonly actor: string;
  readonly byBot: boolean;
  /** The head of the pull request at that moment. */
  readonly head: string;
  readonly content: RoundContent;
  /** Threads beyond the most that one round answers. */
  readonly leftOut: number;
}

export interface Round extends NewRound {
  readonly state: 'waiting' | 'postponed' | 'started' | 'ended';
  /** The update run that works on it, or will. */
  readonly run: string | null;
}

const COLUMNS = [
  'id',
  'repository',
  'target',
  'unit',
  'pull',
  'source',
  'kind',
  'actor',
  'actor_id',
  'by_bot',
  'head',
  'content',
  'left_out',
  'state',
  'run',
] as const;

function rows(database: Database) {
  return database.selectFrom('review_rounds').select(COLUMNS);
}

type Row = Awaited<ReturnType<ReturnType<typeof rows>['executeTakeFirstOrThrow']>>;

/** Of a row that an agent works on, or will: see {@link saveFeedback} for the others. */
function read({ actor_id, by_bot, left_out, kind, ...row }: Row): Round {
  return {
    ...row,
    kind: kind === 'fresh' ? 'fix' : kind,
    actorId: Number(actor_id),
    byBot: by_bot,
    leftOut: left_out,
  };
}

/** Saves a round that waits to be started, once for each source. */
export async function saveRound(
  database: Database,
  { actorId, byBot, leftOut, content, ...round }: NewRound,
): Promise<void> {
  const values = { actor_id: actorId, by_bot: byBot, left_out: leftOut, content: JSON.stringify(content) };
  await database
    .insertInto('review_rounds')
    .values({ ...round, ...values, outcome: null, run: null })
    .onConflict((conflict) => conflict.column('source').doNothing())
    .execute();
}

/** Saves what reviews said of a unit that starts over in a run, for the prompts of its tasks. The newest counts. */
export async function saveFeedback(
  database: Database,
  run: string,
  { actorId, byBot, leftOut, content, ...round }: Omit<NewRound, 'source' | 'kind'>,
): Promise<void> {
  const values = {
    kind: 'fresh' as const,
    actor_id: actorId,
    by_bot: byBot,
    left_out: leftOut,
    content: JSON.stringify(content),
    state: 'ended' as const,
    outcome: 'taken' satisfies RoundOutcome,
  };
  await database
    .insertInto('review_rounds')
    .values({ ...round, ...values, source: feedbackSource(run, round.unit), run: null })
    .onConflict((conflict) => conflict.column('source').doUpdateSet({ content: values.content }))
    .execute();
}

/** What reviews said of a unit that started over in a run; undefined: nothing, or it did not. */
export async function readFeedback(
  database: Database,
  run: string,
  unit: string,
): Promise<ReviewRequest | undefined> {
  const row = await rows(database).where('source', '=', feedbackSource(run, unit)).executeTakeFirst();
  return row && { ...row.content, round: row.id };
}

function feedbackSource(run: string, unit: string): string {
  return `fresh ${run} ${unit}`;
}

/** The rounds of a target's units that have not ended, in the order in which they were asked for. */
export async function listOpenRounds(
  database: Database,
  repository: string,
  target: string,
): Promise<readonly Round[]> {
  const found = rows(database).where('repository', '=', repository).where('target', '=', target);
  return (await found.where('state', '<>', 'ended').orderBy('asked_at').orderBy('id').execute()).map(read);
}

/** The rounds of a pull request that have not ended. */
export async function listRoundsOfPull(
  database: Database,
  repository: string,
  pull: number,
): Promise<readonly Round[]> {
  const found = rows(database).where('repository', '=', repository).where('pull', '=', pull);
  return (await found.where('state', '<>', 'ended').orderBy('asked_at').orderBy('id').execute()).map(read);
}

/** The round that an update run works on; undefined for any other run. */
export async function findRoundOfRun(database: Database, run: string): Promise<Round | undefined> {
  const row = await rows(database).where('run', '=', run).executeTakeFirst();
  return row && read(row);
}

/** What a round asks for; undefined when there is none of that id. */
export async function readRound(database: Database, id: string): Promise<ReviewRequest | undefined> {
  const row = await rows(database).where('id', '=', id).executeTakeFirst();
  return row && { ...row.content, round: id };
}

/** How many rounds of a pull request began: all of them, and those that reviews began by themselves. */
export async function countRounds(
  database: Database,
  repository: string,
  pull: number,
): Promise<{ readonly all: number; readonly byThemselves: number }> {
  const { rows: found } = await sql<{ all: number; byThemselves: number }>`
    select count(*)::int as all, count(*) filter (where kind = 'review')::int as "byThemselves"
    from review_rounds where repository = ${repository} and pull = ${pull}
      and (state = 'started' or outcome in ('answered', 'failed'))`.execute(database);
  return found[0] ?? { all: 0, byThemselves: 0 };
}

/** Assigns the id of its update run to a waiting round, once. Returns the id that it has. */
export async function assignRun(database: Database, id: string, run: string): Promise<string> {
  const { rows: found } = await sql<{ run: string }>`
    update review_rounds set run = coalesce(run, ${run}) where id = ${id} returning run`.execute(database);
  return found[0]?.run ?? run;
}

/** Changes what a round that has not started asks for. */
export async function changeContent(database: Database, id: string, content: RoundContent): Promise<void> {
  await database
    .updateTable('review_rounds')
    .set({ content: JSON.stringify(content) })
    .where('id', '=', id)
    .where('state', 'in', ['waiting', 'postponed'])
    .execute();
}

/** Moves a round that has not ended on. `outcome`: how it ended. */
export async function moveRound(
  database: Database,
  id: string,
  to:
    | { readonly state: 'postponed' | 'started' }
    | { readonly state: 'ended'; readonly outcome: RoundOutcome },
): Promise<void> {
  await database
    .updateTable('review_rounds')
    .set(to)
    .where('id', '=', id)
    .where('state', '<>', 'ended')
    .execute();
}

/**
 * How a round ended. `withdrawn`: its actor may not ask any more. `closed`: its pull request is not open. `taken`: another round
 * took it along. `nothing`: nothing of it is left to work on.
 */
export type RoundOutcome = 'answered' | 'failed' | 'cancelled' | 'withdrawn' | 'closed' | 'taken' | 'nothing';
