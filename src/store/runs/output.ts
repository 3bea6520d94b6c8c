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

/** The retained output of a unit after a piece. */
export async function readOutput(
  database: Database,
  { run, unit }: OutputOf,
  after = 0,
): Promise<readonly OutputPiece[]> {
  const { rows } = await sql<{ piece: number; text: string; first_of_tail: boolean; dropped: number }>`
    select output.piece, output.text, total.dropped::float8 as dropped,
           output.piece > total.head_pieces
             and output.piece = (select min(piece) from output as other
                                 where other.run = output.run and other.unit = output.unit
                                   and other.piece > total.head_pieces) as first_of_tail
    from output join output_totals as total using (run, unit)
    where run = ${run} and unit = ${unit} and piece > ${after}
    order by piece`.execute(database);
  return rows.map(({ piece, text, first_of_tail, dropped }) => ({
    piece,
    text,
    missing: first_of_tail ? dropped : 0,
  }));
}
