import { type Kysely, sql } from 'kysely';

/** Where events are delivered to, and how far that has come. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    sql`alter table outbox add column tier text check (tier in ('high', 'standard'))`,
    sql`create table webhooks (
      id uuid primary key,
      kind text not null check (kind in ('json', 'slack', 'teams', 'email')),
      url text not null,
      events jsonb not null,
      tiers jsonb not null,
      digest boolean not null,
      artwork boolean not null,
      callbacks boolean not null,
      lang text not null check (lang in ('ja', 'en')),
      enabled boolean not null,
      secret bytea not null,
      previous_secret bytea,
      previous_until timestamptz,
      created_at timestamptz not null,
      created_by text not null
    )`,
    sql`create table deliveries (
      id uuid primary key,
      webhook_id uuid not null references webhooks on delete cascade,
      event_id uuid not null references outbox,
      seq bigint not null,
      subject text not null,
      digest boolean not null,
      state text not null check (state in ('pending', 'delivered', 'dead')),
      attempts integer not null,
      since timestamptz not null,
      next_at timestamptz not null,
      lease uuid,
      lease_until timestamptz,
      last_error text,
      settled_at timestamptz,
      unique (webhook_id, event_id)
    )`,
    sql`create index deliveries_pending on deliveries (webhook_id, digest, subject, seq) where state = 'pending'`,
    sql`create index deliveries_dead on deliveries (settled_at) where state = 'dead'`,
  ];
  for (const statement of statements) await statement.execute(db);
}
