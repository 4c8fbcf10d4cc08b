import { randomUUID } from 'node:crypto';
import { type Selectable, sql } from 'kysely';
import { UtsushiError } from '../../errors.ts';
import type { Database, Executor } from '../../platform/storage/database.ts';
import type { ScanRow } from '../../platform/storage/schema/monitoring.ts';

/** How far a scan is, or what came of it. */
export interface ScanSummary {
  readonly id: string;
  readonly monitor: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly trigger: 'schedule' | 'person';
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  /** Items that the source named; of these `new` were not known before, and `skipped` were. */
  readonly seen: number;
  readonly new: number;
  readonly skipped: number;
  /** Of the new ones: recorded checks, and those among them with candidates. */
  readonly checked: number;
  readonly candidates: number;
  /** Items that could not be read or checked. */
  readonly failed: number;
  /** Why the list ended although the source has more. */
  readonly stoppedShort: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/**
 * Opens a scan, or finds the one that runs: a monitor never has two at once, whoever starts them.
 *
 * @throws UtsushiError `not_found`
 */
export async function startScan(
  db: Executor,
  monitorId: string,
  trigger: 'schedule' | 'person',
  at: Date,
): Promise<{ scanId: string; isNew: boolean }> {
  for (;;) {
    const { rows } = await sql<{ id: string }>`
      insert into scans (id, monitor_id, state, trigger, started_at, cursor)
      select ${randomUUID()}, id, 'running', ${trigger}, ${at}, cursor
      from monitors where id = ${monitorId} and removed_at is null
      on conflict (monitor_id) where state = 'running' do nothing
      returning id`.execute(db);
    if (rows[0] !== undefined) return { scanId: rows[0].id, isNew: true };
    const running = await db
      .selectFrom('scans')
      .select('id')
      .where('monitor_id', '=', monitorId)
      .where('state', '=', 'running')
      .executeTakeFirst();
    if (running !== undefined) return { scanId: running.id, isNew: false };
    const monitor = await db
      .selectFrom('monitors')
      .select('id')
      .where('id', '=', monitorId)
      .where('removed_at', 'is', null)
      .executeTakeFirst();
    if (monitor === undefined) throw new UtsushiError('not_found', `no monitor has the id ${monitorId}`);
    // The one that ran ended between the two statements: try once more.
  }
}

/** Scans, newest first. */
export async function listScans(
  db: Database,
  filter: { readonly monitor?: string | undefined; readonly limit: number },
): Promise<ScanSummary[]> {
  const rows = await selectScans(db)
    .$if(filter.monitor !== undefined, (query) => query.where('monitors.name', '=', filter.monitor!))
    .orderBy('scans.started_at', 'desc')
    .orderBy('scans.id')
    .limit(filter.limit)
    .execute();
  return Promise.all(rows.map((row) => summarise(db, row)));
}

/** @throws UtsushiError `not_found` */
export async function findScan(db: Database, scanId: string): Promise<ScanSummary> {
  const row = await selectScans(db).where('scans.id', '=', scanId).executeTakeFirst();
  if (row === undefined) throw new UtsushiError('not_found', `no scan has the id ${scanId}`);
  return summarise(db, row);
}

/** Scans that nobody works on: their process died, or their job was lost with the queue. */
export async function abandonedScans(db: Database): Promise<string[]> {
  const rows = await db
    .selectFrom('scans')
    .select('id')
    .where('state', '=', 'running')
    .where((eb) => eb.or([eb('lease_until', 'is', null), eb('lease_until', '<', sql<Date>`now()`)]))
    .execute();
  return rows.map((row) => row.id);
}

/** What became of the items of a scan that were new. */
export async function countChecked(
  db: Executor,
  scanId: string,
): Promise<{ checked: number; candidates: number; failed: number }> {
  const counted = await db
    .selectFrom('sightings as s')
    .leftJoin('checks as c', 'c.id', 's.check_id')
    .where('s.scan_id', '=', scanId)
    .select(({ fn }) => [
      fn.countAll<number>().filterWhere('s.state', '=', 'done').as('checked'),
      fn.countAll<number>().filterWhere('c.verdict', '=', 'candidate').as('candidates'),
      fn.countAll<number>().filterWhere('s.state', '=', 'failed').as('failed'),
    ])
    .executeTakeFirstOrThrow();
  const broken = await db
    .selectFrom('scan_failures')
    .where('scan_id', '=', scanId)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return { ...counted, failed: counted.failed + broken.count };
}

/** What went wrong with single items of a scan, the first ones. */
export async function scanFailures(
  db: Database,
  scanId: string,
  limit: number,
): Promise<{ item: string; code: string; message: string }[]> {
  const listed = await db
    .selectFrom('scan_failures')
    .select(['item', 'code', 'message'])
    .where('scan_id', '=', scanId)
    .orderBy('at')
    .limit(limit)
    .execute();
  const checked = await db
    .selectFrom('sightings')
    .select(['image_url', 'error'])
    .where('scan_id', '=', scanId)
    .where('state', '=', 'failed')
    .limit(limit)
    .execute();
  return [...listed, ...checked.map(({ image_url, error }) => ({ item: image_url ?? '–', ...error! }))].slice(
    0,
    limit,
  );
}

function selectScans(db: Database) {
  return db
    .selectFrom('scans')
    .innerJoin('monitors', 'monitors.id', 'scans.monitor_id')
    .selectAll('scans')
    .select('monitors.name');
}

async function summarise(db: Database, row: Selectable<ScanRow> & { name: string }): Promise<ScanSummary> {
  const counted =
    row.checked === null
      ? await countChecked(db, row.id)
      : { checked: row.checked, candidates: row.candidates!, failed: row.failed! };
  return {
    id: row.id,
    monitor: row.name,
    state: row.state,
    trigger: row.trigger,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    seen: row.seen,
    new: row.new,
    skipped: row.skipped,
    ...counted,
    stoppedShort: row.stopped_short,
    error: row.error,
  };
}
