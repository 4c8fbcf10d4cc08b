import { type Kysely, sql } from 'kysely';

/** What happened, for the user's other systems, and where it has to be delivered. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    sql`create table outbox (
      id uuid primary key,
      seq bigint unique,
      type text not null,
      subject text not null,
      body jsonb not null,
      at timestamptz not null,
      inserted bigint generated always as identity
    )`,
    sql`create index outbox_unpublished on outbox (inserted) where seq is null`,
    sql`create index outbox_subject on outbox (subject, seq)`,
  ];
  for (const statement of statements) await statement.execute(db);
}
