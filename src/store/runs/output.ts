import { sql } from 'kysely';
import type { Database } from '../database/database.ts';
import { notify } from '../database/notifications.ts';

/** How much of a unit's output is retained from its beginning and from its end. Characters. */
export interface OutputLimits {
  readonly head: number;
  readonly tail: number;
}

const OUTPUT_LIMITS: OutputLimits = { head: 256 * 1024, tail: 1024 * 1024 };

/** The unit that printed it. */
export interface OutputOf {
  readonly run: string;
  readonly unit: string;
}

/** A piece of a unit's output. `missing`: characters before it that were not retained. */
export interface OutputPiece {
  readonly piece: number;
  readonly missing: number;
  readonly text: string;
}

/** Appends to a unit's output. Beyond the limits the middle is dropped, and counted. */
export async function appendOutput(
  database: Database,
  { run, unit }: OutputOf,
  text: string,
  limits: OutputLimits = OUTPUT_LIMITS,
): Promise<void> {
  const clean = text.replaceAll('\0', '\u2400'); // the only character that PostgreSQL cannot store
  if (clean === '') return;
  await database.transaction().execute(async (trx) => {
    const { rows } = await sql<{ pieces: number; too_long: boolean }>`
      insert into output_totals as total (run, unit, head_pieces, pieces, head_length, tail_length)
      values (${run}, ${unit}, 1, 1, ${clean.length}, 0)
      on conflict (run, unit) do update set
        pieces = total.pieces + 1,
        head_pieces = total.head_pieces + (total.head_length < ${limits.head})::int,
        head_length = total.head_length + case when total.head_length < ${limits.head} then ${clean.length} else 0 end,
        tail_length = total.tail_length + case when total.head_length < ${limits.head} then 0 else ${clean.length} end
      returning pieces, tail_length > ${limits.tail} as too_long`.execute(trx);
    const [total] = rows;
    if (total === undefined) return;
    await sql`insert into output (run, unit, piece, text) values (${run}, ${unit}, ${total.pieces}, ${clean})`.execute(
      trx,
    );
    if (total.too_long) await dropMiddle(trx, { run, unit }, limits.tail);
    await notify({ about: 'output', run, unit }).execute(trx);
  });
}

async function dropMiddle(trx: Database, { run, unit }: OutputOf, tail: number): Promise<void> {
  await sql`
    with total as (
      select * from output_totals where run = ${run} and unit = ${unit}
    ), piece as (
      select output.piece, length(text) as length,
             sum(length(text)) over (order by output.piece desc) as behind
      from output, total
      where output.run = total.run and output.unit = total.unit and output.piece > total.head_pieces
    ), gone as (
      delete from output using piece
      where output.run = ${run} and output.unit = ${unit} and output.piece = piece.piece and piece.behind > ${tail}
      returning piece.length
    )
    update output_totals set
      tail_length = tail_length - (select coalesce(sum(length), 0) from gone),
      dropped = dropped + (select coalesce(sum(length), 0) from gone)
    where run = ${run} and unit = ${unit}`.execute(trx);
}

/** The retained output of a unit after a piece, up to another. */
export async function readOutput(
  database: Database,
  { run, unit }: OutputOf,
  after = 0,
  last = 2 ** 31 - 1,
): Promise<readonly OutputPiece[]> {
  const { rows } = await sql<{ piece: number; text: string; first_of_tail: boolean; dropped: number }>`
    select output.piece, output.text, total.dropped::float8 as dropped,
           output.piece > total.head_pieces
             and output.piece = (select min(piece) from output as other
                                 where other.run = output.run and other.unit = output.unit
                                   and other.piece > total.head_pieces) as first_of_tail
    from output join output_totals as total using (run, unit)
    where run = ${run} and unit = ${unit} and piece > ${after} and piece <= ${last}
    order by piece`.execute(database);
  return rows.map(({ piece, text, first_of_tail, dropped }) => ({
    piece,
    text,
    missing: first_of_tail ? dropped : 0,
  }));
}

/** A part of a unit's retained output: whole pieces, up to about a length in characters. */
export interface OutputPart {
  readonly pieces: readonly OutputPiece[];
  /** The number of its last piece. */
  readonly cursor: number;
}

/** The part after a piece, of at least one piece where there is one. Undefined: the unit has no output. */
export async function readOutputPart(
  database: Database,
  of: OutputOf,
  { after, length }: { readonly after: number; readonly length: number },
): Promise<OutputPart | undefined> {
  const { rows } = await sql<{ last: number | null }>`
    select max(piece) as last from (
      select piece, sum(length(text)) over (order by piece) - length(text) as before
      from output where run = ${of.run} and unit = ${of.unit} and piece > ${after}
    ) as counted where before < ${length}`.execute(database);
  const last = rows[0]?.last ?? undefined;
  if (last === undefined) {
    const any = database.selectFrom('output_totals').select('pieces').where('run', '=', of.run);
    const known = await any.where('unit', '=', of.unit).executeTakeFirst();
    return known && { pieces: [], cursor: after };
  }
  const pieces = await readOutput(database, of, after, last);
  return { pieces, cursor: last };
}

/** The number of the piece before the last ones that together have about a length in characters; 0: all of them do. */
export async function findTail(database: Database, { run, unit }: OutputOf, length: number): Promise<number> {
  const { rows } = await sql<{ first: number | null }>`
    select min(piece) as first from (
      select piece, sum(length(text)) over (order by piece desc) - length(text) as behind
      from output where run = ${run} and unit = ${unit}
    ) as counted where behind < ${length}`.execute(database);
  return Math.max(0, (rows[0]?.first ?? 1) - 1);
}
