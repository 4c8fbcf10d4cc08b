import { type Kysely, sql } from 'kysely';

/** Whose public a monitor's source addresses, and a quick way to the pages that are still to be captured. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    sql`alter table monitors add column territory text`,
    sql`create index sightings_with_page on sightings (finished_at) where page_url is not null`,
  ];
  for (const statement of statements) await statement.execute(db);
}
