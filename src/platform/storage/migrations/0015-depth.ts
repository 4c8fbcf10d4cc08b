import { type Kysely, sql } from 'kysely';

/**
 * What an index is loaded from lies beside each reference image, small, under a small number: features are read for the
 * few that an output resembles only. They do not get shorter by compressing, so that is left.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    'alter table reference_images add column number integer generated always as identity unique',
    'alter table reference_images add column hashes bytea',
    'alter table reference_images add column hashed_by text',
    'alter table fingerprints alter column features set storage external',
    // See encodeFeatures and encodeWorkHashes: of each view, behind 17 bytes, the first of eight hashes of each sort.
    `create function pg_temp.view_bytes(features bytea, at integer) returns integer language sql as $$
       select 17 + 256 * (1 + get_byte(features, at)) $$`,
    `create function pg_temp.view_hashes(features bytea, at integer) returns bytea language sql as $$
       select case when get_byte(features, at) = 1 then substr(features, at + 18, 32) else '' end ||
              substr(features, at + 18 + 256 * get_byte(features, at), 32) $$`,
    `update reference_images r
        set hashed_by = f.algorithm_version,
            hashes = case get_byte(f.features, 1)
              when 1 then substr(f.features, 2, 2) || '\\x0000'::bytea || pg_temp.view_hashes(f.features, 2)
              else '\\x02'::bytea ||
                   set_byte('\\x00', 0, get_byte(f.features, 2) +
                     2 * get_byte(f.features, 2 + pg_temp.view_bytes(f.features, 2))) ||
                   '\\x0000'::bytea || pg_temp.view_hashes(f.features, 2) ||
                   pg_temp.view_hashes(f.features, 2 + pg_temp.view_bytes(f.features, 2))
            end
       from fingerprints f
      where f.sha256 = r.sha256 and f.algorithm_version = 'utsushi-2' and f.features is not null`,
    'drop function pg_temp.view_hashes, pg_temp.view_bytes',
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
