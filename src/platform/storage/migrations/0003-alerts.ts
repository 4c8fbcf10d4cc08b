import { type Kysely, sql } from 'kysely';

/** Alerts grow from a list into a workflow: decisions, clusters, rules, the watch queue, quarantine. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    sql`create table clusters (
      id uuid primary key,
      series_key text not null,
      hash bit(256),
      opened_at timestamptz not null
    )`,
    sql`create index clusters_series on clusters (series_key)`,

    sql`alter table alerts drop constraint alerts_state_check`,
    sql`alter table alerts
      add constraint alerts_state_check
        check (state in ('open', 'in-review', 'second-review', 'escalated', 'decided')),
      add column reference_id uuid references reference_images,
      add column decision text
        check (decision in ('confirm', 'not-similar', 'licensed', 'tolerated', 'escalate')),
      add column decided_by text,
      add column decided_at timestamptz,
      add column rule jsonb,
      add column scope jsonb,
      add column inherited_from uuid references alerts,
      add column assignee text,
      add column tier text check (tier in ('high', 'standard')),
      add column source text,
      add column cluster_id uuid,
      add column hash bit(256),
      add column hash_quality smallint,
      add column reliance jsonb not null default '[]',
      add column priority double precision not null default 0 check (priority between 0 and 100),
      add column due_at timestamptz,
      add check ((decision is null) = (decided_at is null)),
      add check (state <> 'decided' or decision is not null)`,
    // Alerts of earlier versions: each a cluster of its own, due from the day it was opened.
    sql`insert into clusters (id, series_key, hash, opened_at)
      select a.id, coalesce(w.series, w.id), null, a.opened_at from alerts a join assets w on w.id = a.asset_id`,
    sql`update alerts a set
      cluster_id = a.id,
      tier = w.tier,
      priority = 60 * a.confidence + case w.tier when 'high' then 20 else 0 end,
      source = coalesce(
        (select coalesce(
            substring(coalesce(s.page_url, s.image_url) from '^[a-z]+://(?:www\.)?([^/:?#]+)'), s.acquisition)
          from sightings s where s.output_id = a.output_id order by s.seen_at desc limit 1),
        'unknown'),
      reference_id = (select m.reference_id from matches m
        where m.check_id = a.check_id and m.asset_id = a.asset_id),
      due_at = a.opened_at + case w.tier when 'high' then interval '24 hours' else interval '72 hours' end
      from assets w where w.id = a.asset_id`,
    sql`alter table alerts
      alter column tier set not null,
      alter column source set not null,
      alter column cluster_id set not null,
      alter column due_at set not null,
      alter column reliance drop default,
      alter column priority drop default,
      add foreign key (cluster_id) references clusters`,
    sql`drop index alerts_recent`,
    // One for each order the inbox can be read in.
    sql`create index alerts_priority on alerts (priority desc, id desc)`,
    sql`create index alerts_due on alerts (due_at, id)`,
    sql`create index alerts_recent on alerts (last_event_at desc, id desc)`,
    sql`create index alerts_opened on alerts (opened_at desc, id desc)`,
    sql`create index alerts_confidence on alerts (confidence desc, id desc)`,
    sql`create index alerts_cluster on alerts (cluster_id)`,
    sql`create index alerts_asset on alerts (asset_id, opened_at)`,
    sql`create index alerts_inherited on alerts (inherited_from) where inherited_from is not null`,
    sql`create index alert_events_at on alert_events (type, at)`,
    sql`create index checks_created on checks (created_at)`,

    sql`create table tolerance_rules (
      id bigint generated always as identity primary key,
      name text not null,
      asset_id text references assets,
      series text,
      accounts jsonb not null,
      domains jsonb not null,
      valid_from text,
      valid_until text,
      territory jsonb not null,
      reason text not null,
      created_by text not null,
      created_at timestamptz not null,
      ended_by text,
      ended_at timestamptz,
      check (num_nonnulls(asset_id, series) = 1),
      check ((ended_by is null) = (ended_at is null))
    )`,
    sql`alter table sightings add column territory text`,

    sql`create table watch_entries (
      id uuid primary key,
      output_id uuid not null references outputs,
      asset_id text not null references assets,
      state text not null check (state in ('open', 'dismissed', 'promoted')),
      terms jsonb not null,
      sightings integer not null,
      opened_at timestamptz not null,
      last_event_at timestamptz not null,
      last_seq integer not null,
      unique (output_id, asset_id)
    )`,
    sql`create index watch_entries_recent on watch_entries (state, opened_at desc, id desc)`,
    sql`create table watch_events (
      watch_id uuid not null references watch_entries,
      seq integer not null,
      type text not null,
      actor text not null,
      at timestamptz not null,
      body jsonb not null,
      primary key (watch_id, seq)
    )`,

    sql`create table quarantined_assets (
      asset_id text primary key references assets,
      since timestamptz not null
    )`,
    sql`create table held_findings (
      id bigint generated always as identity primary key,
      asset_id text not null references assets,
      output_id uuid not null references outputs,
      finding jsonb not null,
      at timestamptz not null
    )`,
    sql`create index held_findings_asset on held_findings (asset_id, id)`,

    sql`create table saved_views (
      id uuid primary key,
      owner text not null,
      name text not null,
      shared boolean not null,
      query text not null,
      created_at timestamptz not null,
      unique (owner, name)
    )`,
  ];
  for (const statement of statements) await statement.execute(db);
}
