import { type Kysely, sql } from 'kysely';

/** Removing old events asks which deliveries they have, and which events have a place. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index deliveries_event on deliveries (event_id)`.execute(db);
}
