import type { ColumnType, GeneratedAlways } from 'kysely';

/** jsonb: read as a value, written as JSON text. */
type Json<T> = ColumnType<T, string, string>;
type Time = ColumnType<Date, Date, Date>;

export interface DeliveryTables {
  outbox: OutboxRow;
}

/** An event for the outside, written in the transaction of what it tells of. */
export interface OutboxRow {
  id: string;
  /** Its place in the feed, given after the commit; null until then. Numbers rise without gaps in the order they are given. */
  seq: number | null;
  type: string;
  /** The id of the alert or case; events of one subject are delivered in order. */
  subject: string;
  body: Json<unknown>;
  at: Time;
  /** The order of writing, which is not the order of committing. */
  inserted: GeneratedAlways<number>;
}
