import { type Kysely, sql } from 'kysely';

/** What a capture had to leave out, and what a visit found on the page around a picture. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table page_captures add column omitted integer not null default 0`.execute(db);
  await sql`create index place_visits_url on place_visits (url)`.execute(db);
  await sql`alter table place_visits
    add column page text check (page in ('shows', 'silent', 'gone', 'unreachable')),
    add column hash_distance smallint`.execute(db);
}
