import { type Kysely, sql } from 'kysely';

/** A policy may carry the measurement that its thresholds come from; null: none was made on this installation. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table policies add column calibration jsonb`.execute(db);
}
