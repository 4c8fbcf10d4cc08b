import { Kysely, type Migration, Migrator, PostgresDialect, type Transaction, sql } from 'kysely';
import pg from 'pg';
import { UtsushiError } from '../../errors.ts';
import * as initial from './migrations/0001-initial.ts';
import * as calibration from './migrations/0002-calibration.ts';
import * as alerts from './migrations/0003-alerts.ts';
import * as people from './migrations/0004-people.ts';
import * as monitoring from './migrations/0005-monitoring.ts';
import * as takedown from './migrations/0006-takedown.ts';
import * as delivery from './migrations/0007-delivery.ts';
import * as evidence from './migrations/0008-evidence.ts';
import * as sources from './migrations/0009-sources.ts';
import * as alertCounts from './migrations/0011-alert-counts.ts';
import * as webhooks from './migrations/0012-webhooks.ts';
import * as fileNames from './migrations/0013-file-names.ts';
import * as places from './migrations/0014-places.ts';
import * as depth from './migrations/0015-depth.ts';
import * as retention from './migrations/0016-retention.ts';
import * as rules from './migrations/0018-rules.ts';
import * as lookingAgain from './migrations/0019-looking-again.ts';
import type { Tables } from './schema.ts';

/** A pool of connections to one PostgreSQL database. */
export type ConnectionPool = pg.Pool;
export type Database = Kysely<Tables>;
/** A transaction, or the database itself where one statement is enough. */
export type Executor = Database | Transaction<Tables>;

const MIGRATIONS: Record<string, Migration> = {
  '0001-initial': initial,
  '0002-calibration': calibration,
  '0003-alerts': alerts,
  '0004-people': people,
  '0005-monitoring': monitoring,
  '0006-takedown': takedown,
  '0007-delivery': delivery,
  '0008-evidence': evidence,
  '0009-sources': sources,
  '0011-alert-counts': alertCounts,
  '0012-webhooks': webhooks,
  '0013-file-names': fileNames,
  '0014-places': places,
  '0015-depth': depth,
  '0016-retention': retention,
  '0018-rules': rules,
  '0019-looking-again': lookingAgain,
};
const BIGINT = pg.types.builtins.INT8;

/**
 * A pool of connections that reconnects by itself. Counters come back as numbers: none here can pass 2^53.
 *
 * @param options.max the most connections this process opens at once
 * @param options.settings of the server for each connection; values without spaces
 */
export function openPool(options: {
  connectionString: string;
  max: number;
  applicationName: string;
  settings?: Readonly<Record<string, string>>;
}): ConnectionPool {
  const pool = new pg.Pool({
    connectionString: options.connectionString,
    max: options.max,
    application_name: options.applicationName,
    keepAlive: true,
    connectionTimeoutMillis: 15_000,
    idleTimeoutMillis: 30_000,
    options: Object.entries(options.settings ?? {})
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === BIGINT ? (text: string) => Number(text) : pg.types.getTypeParser(oid, format),
    } as pg.CustomTypesConfig,
  });
  // An idle connection that the server drops is simply replaced; the query that needs one reports what is wrong.
  pool.on('error', () => {});
  // The pool listens to idle clients only; one that is dropped between two statements of a transaction would end us.
  pool.on('connect', (client) => client.on('error', () => {}));
  // Every queue and worker that shares a pool listens to it; that is no leak.
  pool.setMaxListeners(0);
  return pool;
}

export function openDatabase(pool: ConnectionPool): Database {
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
}

/**
 * Brings the tables to the newest version. Safe to run from several processes at once: one migrates, the rest wait.
 *
 * @returns the names of the migrations that ran now
 * @throws UtsushiError `database_unavailable` naming the migration that failed; nothing of it is kept
 */
export async function migrate(db: Database): Promise<string[]> {
  const { error, results = [] } = await migratorOf(db).migrateToLatest();
  if (error !== undefined) {
    const failed =
      results.find((result) => result.status === 'Error')?.migrationName ?? 'before the first one';
    const why = error instanceof Error ? error.message : String(error);
    throw new UtsushiError('database_unavailable', `migration ${failed} failed: ${why}`, { cause: error });
  }
  return results.filter((result) => result.status === 'Success').map((result) => result.migrationName);
}

/** @throws UtsushiError `database_unavailable` when the server cannot be reached or its tables are not up to date */
export async function requireMigrated(db: Database): Promise<void> {
  let pending: string[];
  try {
    const all = await migratorOf(db).getMigrations();
    pending = all
      .filter((migration) => migration.executedAt === undefined)
      .map((migration) => migration.name);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UtsushiError('database_unavailable', `cannot reach the database: ${why}`, { cause });
  }
  if (pending.length > 0) {
    throw new UtsushiError(
      'database_unavailable',
      `the tables are not up to date (${pending.join(', ')}): run utsushi migrate`,
    );
  }
}

/** The database server's own version, e.g. `18.4`. */
export async function serverVersion(db: Executor): Promise<string> {
  const { rows } = await sql<{
    version: string;
  }>`select current_setting('server_version') as version`.execute(db);
  return rows[0]!.version;
}

function migratorOf(db: Database): Migrator {
  return new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } });
}
