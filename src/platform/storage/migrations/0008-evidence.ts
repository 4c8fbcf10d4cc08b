import { type Kysely, sql } from 'kysely';

/** What a later reader wants to see of how an output was fetched, and when the audit chain stood where. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    sql`alter table sightings add column fetched jsonb`,
    sql`create table audit_anchors (
      seq bigint primary key,
      token bytea not null,
      at timestamptz not null
    )`,
  ];
  for (const statement of statements) await statement.execute(db);
}
