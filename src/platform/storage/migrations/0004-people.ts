import { type Kysely, sql } from 'kysely';

/** Who may come in, and as what. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    sql`create table users (
      id uuid primary key,
      name text not null unique check (length(name) between 1 and 64),
      role text not null check (role in ('viewer', 'reviewer', 'approver', 'admin')),
      locale text not null check (locale in ('ja', 'en')),
      enabled boolean not null,
      password_hash text,
      oidc_issuer text,
      oidc_subject text,
      created_at timestamptz not null,
      last_sign_in_at timestamptz,
      unique (oidc_issuer, oidc_subject),
      check ((oidc_issuer is null) = (oidc_subject is null))
    )`,
    sql`create table sessions (
      hash bytea primary key,
      user_id uuid not null references users,
      created_at timestamptz not null,
      last_used_at timestamptz not null,
      expires_at timestamptz not null
    )`,
    sql`create index sessions_user on sessions (user_id)`,
    sql`create table tokens (
      id uuid primary key,
      user_id uuid not null references users,
      name text not null,
      hash bytea not null unique,
      created_at timestamptz not null,
      expires_at timestamptz,
      last_used_at timestamptz
    )`,
    sql`create index tokens_user on tokens (user_id)`,
    sql`create table sign_in_links (
      hash bytea primary key,
      user_id uuid not null references users,
      created_at timestamptz not null,
      expires_at timestamptz not null
    )`,
  ];
  for (const statement of statements) await statement.execute(db);
}
