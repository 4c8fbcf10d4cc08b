import { type Kysely, sql } from 'kysely';

/** Politeness that all workers share, what pages looked like, and the names under which models imitate a work. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    sql`alter table assets add column lora_names jsonb not null default '[]'`,
    sql`create table fetch_hosts (
      host text primary key,
      next_at timestamptz not null,
      closed_until timestamptz not null
    )`,
    sql`create table fetch_turns (
      id uuid primary key,
      host text not null references fetch_hosts on delete cascade,
      expires_at timestamptz not null
    )`,
    sql`create index fetch_turns_host on fetch_turns (host)`,
    sql`create table page_captures (
      id uuid primary key,
      sighting_id uuid not null references sightings,
      acquisition text not null check (acquisition in ('fetched', 'captured-by-person')),
      captured_by text not null,
      captured_at timestamptz not null,
      url text not null,
      final_url text,
      title text,
      status integer,
      files jsonb not null,
      software text
    )`,
    sql`create index page_captures_sighting on page_captures (sighting_id, captured_at)`,
  ];
  for (const statement of statements) await statement.execute(db);
}
