import { sql } from 'kysely';
import type { Database } from '../../platform/storage/database.ts';
import type { Protocol } from '../catalogue/index.ts';
import { openSighting } from '../checks/index.ts';
import { type KnownPlace, type LookDependencies, type PlaceLook, lookAtPlace } from './look-again.ts';

/** What a visit to the address of a picture found. */
export type VisitResult = PlaceLook['result'];

/** An address at which an alerted output was seen. */
export interface Place {
  readonly sightingId: string;
  readonly url: string;
  readonly pageUrl: string | null;
  readonly outputSha256: string;
  readonly seenAt: Date;
  /** Null where nobody has gone there again yet. */
  readonly lastVisit: {
    readonly at: Date;
    readonly result: VisitResult;
    readonly detail: string | null;
    readonly page: PlaceLook['page'];
    /** Bits of 256 between the picture that was and the one that answers now; null where not compared. */
    readonly hashDistance: number | null;
  } | null;
}

export interface VisitDependencies extends LookDependencies {
  readonly clock: () => Date;
  readonly protocol: Protocol;
  /** Gives pending sightings their check job, behind whatever people asked for. */
  readonly enqueue: (sightingIds: readonly string[]) => Promise<void>;
}

/**
 * Goes again to the addresses of alerted outputs whose visit is due under the protocol, and notes whether the picture is
 * still up, changed, gone, or could not be asked for; see `lookAtPlace`. Another picture in its place is an output of its
 * own, and checked. Alerts that a person laid aside are left alone.
 *
 * @returns how many were visited; an address whose host is not to be asked yet waits for the next round
 */
export async function revisitPlaces(
  deps: VisitDependencies,
  limit: number,
  signal: AbortSignal,
): Promise<number> {
  let visited = 0;
  for (const place of await duePlaces(deps, limit)) {
    signal.throwIfAborted();
    const look = await lookAtPlace(deps, place, { robots: 'obey', signal });
    if (look.deferred) continue;
    const { result, detail, page, hashDistance } = look;
    await deps.db
      .insertInto('place_visits')
      .values({
        sighting_id: place.sightingId,
        url: place.imageUrl,
        at: deps.clock(),
        result,
        detail,
        page,
        hash_distance: hashDistance,
      })
      .execute();
    if (look.picture === 'another' && look.sha256 !== null) await sight(deps, place, look.sha256);
    visited += 1;
  }
  return visited;
}

/** Has what answers there now checked, once. */
async function sight(
  { db, clock, enqueue }: VisitDependencies,
  place: DuePlace,
  sha256: string,
): Promise<void> {
  const known = await db
    .selectFrom('sightings as s')
    .leftJoin('outputs as o', 'o.id', 's.output_id')
    .select('s.id')
    .where('s.image_url', '=', place.imageUrl)
    .where((eb) => eb.or([eb('o.sha256', '=', sha256), eb('s.state', '=', 'pending')]))
    .executeTakeFirst();
  if (known !== undefined) return;
  const { account, territory } = await db
    .selectFrom('sightings')
    .select(['account', 'territory'])
    .where('id', '=', place.sightingId)
    .executeTakeFirstOrThrow();
  const seen = {
    acquisition: 'fetched' as const,
    acquiredBy: 'visit',
    imageUrl: place.imageUrl,
    pageUrl: place.pageUrl,
    account,
    territory,
    postedAt: null,
  };
  await enqueue([await openSighting(db, seen, clock())]);
}

/** Addresses of alerted outputs with what the last visit found, the newest first. */
export async function listPlaces(
  db: Database,
  filter: { readonly alertId?: string | undefined; readonly limit: number },
): Promise<Place[]> {
  const rows = await selectPlaces(db)
    .$if(filter.alertId !== undefined, (query) => query.where('a.id', '=', filter.alertId!))
    .orderBy('s.seen_at', 'desc')
    .limit(filter.limit)
    .execute();
  return rows.map((row) => ({
    sightingId: row.id,
    url: row.image_url!,
    pageUrl: row.page_url,
    outputSha256: row.sha256,
    seenAt: row.seen_at,
    lastVisit:
      row.at === null
        ? null
        : {
            at: row.at,
            result: row.result!,
            detail: row.detail,
            page: row.page,
            hashDistance: row.hash_distance,
          },
  }));
}

function selectPlaces(db: Database) {
  return db
    .selectFrom('sightings as s')
    .innerJoin('outputs as o', 'o.id', 's.output_id')
    .innerJoin('alerts as a', 'a.output_id', 'o.id')
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom('place_visits as v')
          .select(['v.at', 'v.result', 'v.detail', 'v.page', 'v.hash_distance'])
          .whereRef('v.sighting_id', '=', 's.id')
          .orderBy('v.at', 'desc')
          .limit(1)
          .as('last'),
      (join) => join.onTrue(),
    )
    .where('s.image_url', 'like', 'http%')
    .select([
      's.id',
      's.image_url',
      's.page_url',
      's.seen_at',
      'o.sha256',
      'last.at',
      'last.result',
      'last.detail',
      'last.page',
      'last.hash_distance',
    ])
    .distinctOn(['s.seen_at', 's.id'])
    .orderBy('s.seen_at', 'desc')
    .orderBy('s.id');
}

interface DuePlace extends KnownPlace {
  readonly sightingId: string;
  readonly imageUrl: string;
}

async function duePlaces({ db, protocol, clock }: VisitDependencies, limit: number): Promise<DuePlace[]> {
  const now = clock();
  // A page is looked at once at the beginning: only what it showed can later be missing.
  const { rows } = await sql<{
    id: string;
    image_url: string;
    page_url: string | null;
    sha256: string;
  }>`
    select s.id, s.image_url, case when s.page_url like 'http%' then s.page_url end as page_url, o.sha256
      from sightings s
      join outputs o on o.id = s.output_id
      cross join lateral (
        select bool_or(a.tier = 'high') as high from alerts a
         where a.output_id = o.id and (a.decision is null or a.decision in ('confirm', 'escalate'))
      ) wanted
      left join lateral (
        select at, result from place_visits v where v.sighting_id = s.id order by at desc limit 1
      ) last on true
     where s.image_url like 'http%'
       and wanted.high is not null
       and coalesce(last.result, 'up') <> 'gone'
       and (coalesce(last.at, s.seen_at) < case when wanted.high
             then ${new Date(now.getTime() - protocol.high.recheckMs)}::timestamptz
             else ${new Date(now.getTime() - protocol.standard.recheckMs)}::timestamptz end
            or (last.at is null and s.page_url like 'http%' and s.page_url <> s.image_url))
     order by coalesce(last.at, s.seen_at)
     limit ${limit}`.execute(db);
  return rows.map((row) => ({
    sightingId: row.id,
    imageUrl: row.image_url,
    pageUrl: row.page_url,
    outputSha256: row.sha256,
  }));
}
