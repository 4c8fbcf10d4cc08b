import { sql } from 'kysely';
import { type Probe, probeUrl } from '../../platform/fetch/probe.ts';
import type { WebClient } from '../../platform/fetch/web-client.ts';
import type { Database } from '../../platform/storage/database.ts';
import type { Protocol } from '../catalogue/index.ts';

/** What a visit to the address of a picture found. */
export type VisitResult = Probe['state'];

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
  } | null;
}

export interface VisitDependencies {
  readonly db: Database;
  readonly web: WebClient;
  readonly clock: () => Date;
  readonly protocol: Protocol;
  readonly maxBytes: number;
}

/**
 * Goes again to the addresses of alerted outputs whose visit is due under the protocol, and notes whether the picture is
 * still up, changed, gone, or could not be asked for. Alerts that a person laid aside are left alone.
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
    const seen = await visit(deps, place, signal);
    if (seen === undefined) continue;
    await deps.db
      .insertInto('place_visits')
      .values({ sighting_id: place.sightingId, url: place.url, at: deps.clock(), ...seen })
      .execute();
    visited += 1;
  }
  return visited;
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
    lastVisit: row.at === null ? null : { at: row.at, result: row.result!, detail: row.detail },
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
          .select(['v.at', 'v.result', 'v.detail'])
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
    ])
    .distinctOn(['s.seen_at', 's.id'])
    .orderBy('s.seen_at', 'desc')
    .orderBy('s.id');
}

interface DuePlace {
  readonly sightingId: string;
  readonly url: string;
  readonly outputSha256: string;
}

async function duePlaces({ db, protocol, clock }: VisitDependencies, limit: number): Promise<DuePlace[]> {
  const now = clock();
  const { rows } = await sql<{ id: string; image_url: string; sha256: string }>`
    select s.id, s.image_url, o.sha256
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
       and coalesce(last.at, s.seen_at) < case when wanted.high
             then ${new Date(now.getTime() - protocol.high.recheckMs)}::timestamptz
             else ${new Date(now.getTime() - protocol.standard.recheckMs)}::timestamptz end
     order by coalesce(last.at, s.seen_at)
     limit ${limit}`.execute(db);
  return rows.map((row) => ({ sightingId: row.id, url: row.image_url, outputSha256: row.sha256 }));
}

/** @returns undefined when the host is not to be asked now */
async function visit(
  { web, maxBytes }: VisitDependencies,
  { url, outputSha256 }: DuePlace,
  signal: AbortSignal,
): Promise<{ result: VisitResult; detail: string | null } | undefined> {
  const probe = await probeUrl(web, url, { sha256: outputSha256, maxBytes, robots: 'obey', signal });
  if (probe.error === 'fetch_deferred') return undefined;
  // More bytes than were ever taken here: something else is there now.
  if (probe.error === 'image_too_large') return { result: 'changed', detail: probe.reason };
  return {
    result: probe.state,
    detail: probe.reason ?? (probe.state === 'gone' ? `HTTP ${probe.status}` : null),
  };
}
