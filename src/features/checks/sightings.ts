import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Database, Executor } from '../../platform/storage/database.ts';
import type { Answer } from '../../platform/fetch/web-client.ts';
import type { Spool } from '../../platform/storage/blobs.ts';

/** A country as people write it: ISO 3166 alpha-2, in either case. */
export const territory = z
  .string()
  .regex(/^[A-Za-z]{2}$/, 'must be the two letters of a country (ISO 3166), e.g. JP')
  .transform((code) => code.toUpperCase());

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Where and when an output was seen, and how Utsushi came by it. */
export interface NewSighting {
  readonly acquisition: 'fetched' | 'captured-by-person' | 'uploaded';
  readonly acquiredBy: string | null;
  /** Null for a file that was handed in. */
  readonly imageUrl: string | null;
  readonly pageUrl: string | null;
  readonly account: string | null;
  readonly postedAt: Date | null;
  /** Of a file that was handed in: what it was called, without folders. */
  readonly fileName?: string;
  /** Country to whose public the place is addressed, ISO 3166 alpha-2, where somebody said. */
  readonly territory?: string | null | undefined;
}

/** A sighting that a scan came upon. Its id is the scan's to choose, so that the same item never becomes two. */
export interface ScannedSighting extends NewSighting {
  readonly id: string;
  readonly scanId: string;
  readonly accountId: string | null;
  readonly text: string | null;
  readonly declared: {
    readonly generator: string | null;
    readonly model: string | null;
    readonly prompt: string | null;
  } | null;
}

/** Notes what a scan came upon as pending. */
export async function openSightings(
  db: Executor,
  sightings: readonly ScannedSighting[],
  at: Date,
): Promise<void> {
  if (sightings.length === 0) return;
  await db
    .insertInto('sightings')
    .values(
      sightings.map((sighting) => ({
        id: sighting.id,
        ...rowOf(sighting, at),
        scan_id: sighting.scanId,
        account_id: sighting.accountId,
        text: sighting.text,
        declared: sighting.declared === null ? null : JSON.stringify(sighting.declared),
      })),
    )
    .execute();
}

/** Notes a sighting as pending; from here on it ends in `done` or `failed`, whatever happens to queue or worker. */
export async function openSighting(db: Executor, sighting: NewSighting, at: Date): Promise<string> {
  return insertSighting(db, randomUUID(), sighting, at);
}

/** The same for a file that was handed in: its bytes wait in the spool, in place before the sighting can be found. */
export async function openUpload(
  deps: { readonly db: Executor; readonly spool: Spool },
  bytes: Uint8Array,
  sighting: Omit<NewSighting, 'acquisition' | 'imageUrl'> & {
    /** A person may also have captured it where it was shown; then they say where. */
    readonly acquisition?: 'uploaded' | 'captured-by-person';
    readonly imageUrl?: string | null;
  },
  at: Date,
): Promise<string> {
  const id = randomUUID();
  await deps.spool.put(id, bytes);
  return insertSighting(deps.db, id, { acquisition: 'uploaded', imageUrl: null, ...sighting }, at);
}

async function insertSighting(db: Executor, id: string, sighting: NewSighting, at: Date): Promise<string> {
  await db
    .insertInto('sightings')
    .values({ id, ...rowOf(sighting, at) })
    .execute();
  return id;
}

function rowOf(sighting: NewSighting, at: Date) {
  return {
    state: 'pending' as const,
    acquisition: sighting.acquisition,
    acquired_by: sighting.acquiredBy,
    image_url: sighting.imageUrl,
    page_url: sighting.pageUrl,
    account: sighting.account,
    posted_at: sighting.postedAt,
    file_name: sighting.fileName,
    territory: sighting.territory,
    seen_at: at,
  };
}

export async function findSighting(db: Database, id: string): Promise<SightingState | undefined> {
  return (await findSightings(db, [id]))[0];
}

/** @returns in the order of the ids; undefined where there is none */
export async function findSightings(
  db: Database,
  ids: readonly string[],
): Promise<(SightingState | undefined)[]> {
  const rows = await sightingRows(db)
    .where('id', '=', (eb) => eb.fn.any(eb.val([...ids])))
    .execute();
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id));
}

export type SightingState = Awaited<ReturnType<ReturnType<typeof sightingRows>['executeTakeFirstOrThrow']>>;

/** All of their columns, and whether their page was captured. */
function sightingRows(db: Database) {
  return db
    .selectFrom('sightings')
    .selectAll('sightings')
    .select(({ exists, selectFrom }) =>
      exists(selectFrom('page_captures as c').select('c.id').whereRef('c.sighting_id', '=', 'sightings.id'))
        .$castTo<boolean>()
        .as('is_captured'),
    );
}

/** Keeps what the server said when it gave the picture of a sighting. */
export async function noteFetched(
  db: Database,
  id: string,
  { status, finalUrl, headers }: Pick<Answer, 'status' | 'finalUrl' | 'headers'>,
  at: Date,
): Promise<void> {
  const fetched = JSON.stringify({ at: at.toISOString(), status, finalUrl, headers });
  await db.updateTable('sightings').set({ fetched }).where('id', '=', id).execute();
}

export async function failSighting(
  db: Database,
  id: string,
  error: { readonly code: string; readonly message: string },
  at: Date,
): Promise<void> {
  await db
    .updateTable('sightings')
    .set({
      state: 'failed',
      error: JSON.stringify({ code: error.code, message: error.message }),
      finished_at: at,
    })
    .where('id', '=', id)
    .where('state', '=', 'pending')
    .execute();
}

/**
 * Removes from the spool what no pending sighting waits for: a process that died between writing the file and noting
 * the sighting, or between recording the check and removing the file, left it there.
 */
export async function clearSpool(
  deps: { readonly db: Database; readonly spool: Spool },
  before: Date,
): Promise<number> {
  const names = await deps.spool.listOlderThan(before);
  const ids = names.filter((name) => UUID.test(name));
  const pending = await deps.db
    .selectFrom('sightings')
    .select('id')
    .where('state', '=', 'pending')
    .where('id', '=', (eb) => eb.fn.any(eb.val(ids)))
    .execute();
  const waiting = new Set(pending.map(({ id }) => id));
  const orphans = names.filter((name) => !waiting.has(name));
  for (const name of orphans) await deps.spool.remove(name);
  return orphans.length;
}

/**
 * Sightings that wait since before `before`, oldest first: their job may have been lost with the queue. What a scan came
 * upon gives way to what a person asked for.
 */
export async function pendingSightings(
  db: Database,
  before: Date,
  limit: number,
): Promise<{ readonly id: string; readonly bulk: boolean }[]> {
  const rows = await db
    .selectFrom('sightings')
    .select(['id', 'scan_id'])
    .where('state', '=', 'pending')
    .where('seen_at', '<', before)
    .orderBy('seen_at')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ id: row.id, bulk: row.scan_id !== null }));
}
