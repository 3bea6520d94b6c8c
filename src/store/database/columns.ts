import type { ColumnType, Generated } from 'kysely';

/** A 64-bit number comes as text, for a number of JavaScript cannot hold it. */
export type BigInteger = ColumnType<string, number | string, number | string>;
/** The same where the database has a value for it. */
export type DefaultBigInteger = ColumnType<string, number | string | undefined, number | string>;
export type Timestamp = ColumnType<Date, Date | string, Date | string>;
/** The same where the database has a value for it. */
export type DefaultTimestamp = ColumnType<Date, Date | string | undefined, Date | string>;
export type Json<T> = ColumnType<T, string, string>;

/** Which process works on a row, and until when the others believe it; see leases.ts. */
export interface Leased {
  /** How often it was leased. */
  lease: Generated<number>;
  /** The identity of the process; null: none. */
  leased_by: string | null;
  leased_until: Timestamp | null;
}
