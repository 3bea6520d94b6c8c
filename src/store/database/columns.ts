import type { ColumnType, Generated } from 'kysely';

/** A 64-bit integer. The driver returns it as text, because a JavaScript number cannot hold it. */
export type BigInteger = ColumnType<string, number | string, number | string>;
/** A 64-bit integer with a default. */
export type DefaultBigInteger = ColumnType<string, number | string | undefined, number | string>;
export type Timestamp = ColumnType<Date, Date | string, Date | string>;
/** A timestamp with a default. */
export type DefaultTimestamp = ColumnType<Date, Date | string | undefined, Date | string>;
export type Json<T> = ColumnType<T, string, string>;

/** Which process works on a row, and until when; see leases.ts. */
export interface Leased {
  /** How often it was leased. */
  lease: Generated<number>;
  /** The identity of the process; null: none. */
  leased_by: string | null;
  leased_until: Timestamp | null;
}
