import { type Kysely, sql } from 'kysely';

/** Monitors, their scans, what each source has shown, incidents, and visits to known places. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    sql`alter table assets add column tags jsonb not null default '[]'`,
    sql`create table incidents (
      id uuid primary key,
      kind text not null,
      subject text not null,
      severity text not null check (severity in ('warning', 'critical')),
      message jsonb not null,
      details jsonb not null,
      opened_at timestamptz not null,
      last_seen_at timestamptz not null,
      acknowledged_at timestamptz,
      acknowledged_by text,
      closed_at timestamptz,
      closed_by text
    )`,
    sql`create unique index incidents_open on incidents (kind, subject) where closed_at is null`,
    sql`create table monitors (
      id uuid primary key,
      name text not null,
      source jsonb not null,
      source_key text not null,
      scope jsonb not null,
      schedule jsonb,
      paused boolean not null,
      cursor jsonb,
      created_at timestamptz not null,
      updated_at timestamptz not null,
      removed_at timestamptz
    )`,
    sql`create unique index monitors_name on monitors (name) where removed_at is null`,
    sql`create table scans (
      id uuid primary key,
      monitor_id uuid not null references monitors,
      state text not null check (state in ('running', 'done', 'failed')),
      trigger text not null check (trigger in ('schedule', 'person')),
      started_at timestamptz not null,
      finished_at timestamptz,
      cursor jsonb,
      listed boolean not null default false,
      lease_owner uuid,
      lease_until timestamptz,
      seen integer not null default 0,
      new integer not null default 0,
      skipped integer not null default 0,
      checked integer,
      candidates integer,
      failed integer,
      stopped_short text,
      error jsonb,
      check ((state = 'running') = (finished_at is null)),
      check (state <> 'done' or checked is not null)
    )`,
    // The guard that no crash can break: whatever starts scans, a monitor has one at a time.
    sql`create unique index scans_running on scans (monitor_id) where state = 'running'`,
    sql`create index scans_monitor on scans (monitor_id, started_at desc)`,
    sql`create table scan_failures (
      scan_id uuid not null references scans on delete cascade,
      item text not null,
      code text not null,
      message text not null,
      at timestamptz not null,
      primary key (scan_id, item)
    )`,
    sql`create table source_items (
      source_key text not null,
      item_key text not null,
      validator text,
      last_scan_id uuid not null references scans,
      last_seen_at timestamptz not null,
      primary key (source_key, item_key)
    )`,
    sql`alter table sightings
      add column scan_id uuid references scans,
      add column account_id text,
      add column text text,
      add column declared jsonb`,
    sql`create index sightings_scan on sightings (scan_id, state) where scan_id is not null`,
    sql`create table place_visits (
      id bigint generated always as identity primary key,
      sighting_id uuid not null references sightings,
      url text not null,
      at timestamptz not null,
      result text not null check (result in ('up', 'changed', 'gone', 'unreachable')),
      detail text
    )`,
    sql`create index place_visits_sighting on place_visits (sighting_id, at desc)`,
  ];
  for (const statement of statements) await statement.execute(db);
}
