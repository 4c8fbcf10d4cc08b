import type { Database } from '../../platform/storage/database.ts';

/** What a message about an alert says besides the event. */
export interface AlertBrief {
  readonly title: string;
  /** The page where its output was first seen, or else the source. */
  readonly place: string;
  /** What the blob store holds of its output. */
  readonly retainedSha256: string;
}

/** @returns undefined when there is no such alert */
export async function alertBrief(db: Database, id: string): Promise<AlertBrief | undefined> {
  const row = await db
    .selectFrom('alerts as a')
    .innerJoin('assets as w', 'w.id', 'a.asset_id')
    .innerJoin('outputs as o', 'o.id', 'a.output_id')
    .select(['w.title', 'a.source', 'a.output_id', 'o.retained_sha256'])
    .where('a.id', '=', id)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const seen = await db
    .selectFrom('sightings')
    .select('page_url')
    .where('output_id', '=', row.output_id)
    .where('page_url', 'is not', null)
    .orderBy('seen_at')
    .limit(1)
    .executeTakeFirst();
  return { title: row.title, place: seen?.page_url ?? row.source, retainedSha256: row.retained_sha256 };
}
