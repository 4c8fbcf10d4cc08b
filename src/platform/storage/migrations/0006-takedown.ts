import { type Kysely, sql } from 'kysely';

/** Cases, their notices, and what the user sets for them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    sql`create table cases (
      id uuid primary key,
      state text not null check (state in ('open', 'closed')),
      rung text not null,
      due_at timestamptz,
      attend_at timestamptz,
      external_ref text,
      body jsonb not null,
      opened_at timestamptz not null,
      last_event_at timestamptz not null,
      last_seq integer not null
    )`,
    sql`create index cases_board on cases (state, rung, due_at)`,
    sql`create index cases_attend on cases (attend_at) where state = 'open'`,
    sql`create index cases_external_ref on cases (external_ref) where external_ref is not null`,
    sql`create table case_events (
      case_id uuid not null references cases,
      seq integer not null,
      type text not null,
      actor text not null,
      at timestamptz not null,
      key text,
      body jsonb not null,
      primary key (case_id, seq),
      unique (case_id, key)
    )`,
    sql`create table case_alerts (
      case_id uuid not null references cases,
      alert_id uuid references alerts,
      watch_id uuid references watch_entries,
      role text not null check (role in ('opened', 'added', 're-upload')),
      check ((alert_id is null) <> (watch_id is null)),
      unique (case_id, alert_id),
      unique (case_id, watch_id)
    )`,
    sql`create index case_alerts_alert on case_alerts (alert_id)`,
    sql`create index case_alerts_watch on case_alerts (watch_id)`,
    sql`create table notices (
      id uuid primary key,
      case_id uuid not null references cases,
      form text not null,
      lang text not null check (lang in ('ja', 'en')),
      template_version text not null,
      document jsonb not null,
      export jsonb not null,
      sha256 text not null,
      attestations jsonb not null,
      approved_by text not null,
      approved_at timestamptz not null
    )`,
    sql`create index notices_case on notices (case_id, approved_at)`,
    sql`create table notice_templates (
      form text not null,
      lang text not null check (lang in ('ja', 'en')),
      version integer not null check (version > 0),
      source text not null,
      actor text not null,
      created_at timestamptz not null,
      primary key (form, lang, version)
    )`,
    sql`create table organisation_profiles (
      version bigint generated always as identity primary key,
      body jsonb not null,
      actor text not null,
      created_at timestamptz not null
    )`,
  ];
  for (const statement of statements) await statement.execute(db);
}
