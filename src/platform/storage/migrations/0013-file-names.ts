import { type Kysely, sql } from 'kysely';

/** What a file was called that somebody handed in: a name may say which work it was made after. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table sightings add column file_name text`.execute(db);
}
