import { type Kysely, sql } from 'kysely';

/** Whatever SQL can promise is a constraint here; the comments in schema.ts say what a column means. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    sql`create table catalogue_state (
      singleton boolean primary key default true check (singleton),
      version bigint not null,
      matched_version bigint not null check (matched_version <= version)
    )`,
    sql`insert into catalogue_state (version, matched_version) values (0, 0)`,
    sql`create table assets (
      id text primary key,
      series text,
      title text not null,
      aliases jsonb not null,
      characters jsonb not null,
      author text,
      rights_holder text,
      claim jsonb not null,
      human_authorship text,
      tier text not null check (tier in ('high', 'standard')),
      published text,
      enabled boolean not null,
      created_at timestamptz not null
    )`,
    sql`create table licences (
      id bigint generated always as identity primary key,
      asset_id text not null references assets on delete cascade,
      licensee text not null,
      accounts jsonb not null,
      domains jsonb not null,
      valid_from text,
      valid_until text,
      territory jsonb not null
    )`,
    sql`create index licences_asset on licences (asset_id)`,
    sql`create table fingerprints (
      sha256 text not null,
      algorithm_version text not null,
      quality smallint not null,
      data bytea not null,
      features bytea,
      primary key (sha256, algorithm_version)
    )`,
    sql`create table reference_images (
      id uuid primary key,
      asset_id text not null references assets,
      sha256 text not null,
      file text not null,
      format text not null,
      width integer not null,
      height integer not null,
      changed_version bigint not null,
      unique (asset_id, sha256)
    )`,
    sql`create index reference_images_version on reference_images (changed_version)`,
    sql`create table policies (
      version bigint generated always as identity primary key,
      body jsonb not null,
      reason text not null,
      created_at timestamptz not null
    )`,
    sql`create table outputs (
      id uuid primary key,
      sha256 text not null unique,
      format text not null,
      width integer not null,
      height integer not null,
      byte_length bigint not null,
      retained text not null check (retained in ('original', 'shrunk')),
      retained_sha256 text not null,
      provenance jsonb not null,
      created_at timestamptz not null
    )`,
    sql`create table checks (
      id uuid primary key,
      output_id uuid not null references outputs,
      depth text not null check (depth in ('standard', 'deep')),
      catalogue_version bigint not null,
      policy_version bigint not null references policies,
      algorithm_version text not null,
      verdict text not null check (verdict in ('no-candidate', 'candidate', 'unhashable')),
      reason text,
      retroactive boolean not null,
      ms jsonb not null,
      created_at timestamptz not null,
      unique (output_id, depth, catalogue_version, policy_version, algorithm_version)
    )`,
    sql`create table sightings (
      id uuid primary key,
      state text not null check (state in ('pending', 'done', 'failed')),
      acquisition text not null check (acquisition in ('fetched', 'captured-by-person', 'uploaded')),
      acquired_by text,
      image_url text,
      page_url text,
      account text,
      posted_at timestamptz,
      seen_at timestamptz not null,
      output_id uuid references outputs,
      check_id uuid references checks,
      error jsonb,
      finished_at timestamptz,
      check ((state = 'pending') = (finished_at is null)),
      check (state <> 'done' or check_id is not null),
      check (state <> 'failed' or error is not null)
    )`,
    sql`create index sightings_pending on sightings (seen_at) where state = 'pending'`,
    sql`create index sightings_output on sightings (output_id)`,
    sql`create table matches (
      id bigint generated always as identity primary key,
      check_id uuid not null references checks on delete cascade,
      asset_id text not null references assets,
      reference_id uuid not null references reference_images,
      confidence double precision not null check (confidence between 0 and 1),
      candidate boolean not null,
      kind text not null check (kind in ('reproduction', 'adaptation')),
      body jsonb not null,
      unique (check_id, asset_id)
    )`,
    sql`create table alerts (
      id uuid primary key,
      output_id uuid not null references outputs,
      asset_id text not null references assets,
      state text not null check (state in ('open')),
      kind text not null check (kind in ('reproduction', 'adaptation')),
      confidence double precision not null,
      check_id uuid not null references checks,
      sightings integer not null,
      retroactive boolean not null,
      opened_at timestamptz not null,
      last_event_at timestamptz not null,
      last_seq integer not null,
      unique (output_id, asset_id)
    )`,
    sql`create index alerts_recent on alerts (state, last_event_at desc)`,
    sql`create table alert_events (
      alert_id uuid not null references alerts,
      seq integer not null,
      type text not null,
      actor text not null,
      at timestamptz not null,
      body jsonb not null,
      primary key (alert_id, seq)
    )`,
    sql`create table audit_records (
      id bigint generated always as identity primary key,
      at timestamptz not null,
      kind text not null,
      subject text not null,
      digest bytea not null,
      salt bytea,
      payload text,
      check ((salt is null) = (payload is null))
    )`,
    sql`create table audit_chain (
      seq bigint primary key,
      record_id bigint not null unique,
      previous bytea not null,
      hash bytea not null
    )`,
    // The chain is append-only for every client, this program included; only salt and payload of a record may go.
    sql`create function forbid_change() returns trigger language plpgsql as $$
      begin raise exception 'the audit chain is append-only'; end $$`,
    sql`create trigger audit_chain_append_only before update or delete or truncate on audit_chain
      for each statement execute function forbid_change()`,
  ];
  for (const statement of statements) await statement.execute(db);
}
