import { sql } from 'kysely';
import type { Database } from '../../platform/storage/database.ts';

const BATCH = 5_000;

/**
 * Removes events older than a time from the feed, with their deliveries, dead letters included. Always from the oldest
 * on, so that what is left has no gaps; and never past an event that is still being tried at a webhook, nor the newest,
 * whose place the next one follows. What waits for a disabled webhook waits no longer than that.
 *
 * @returns how many events were removed
 */
export async function removeOldEvents(db: Database, before: Date): Promise<number> {
  let removed = 0;
  for (;;) {
    const batch = await db.transaction().execute(async (tx) => {
      const { rows } = await sql<{ end: number | null }>`
        select least(
          (select seq from outbox where seq is not null and at >= ${before} order by seq limit 1),
          (select min(d.seq) from deliveries d join webhooks w on w.id = d.webhook_id
            where d.state = 'pending' and w.enabled),
          (select max(seq) from outbox),
          (select min(seq) + ${BATCH} from outbox)) as end`.execute(tx);
      const end = rows[0]?.end ?? 0;
      await sql`delete from deliveries where event_id in (select id from outbox where seq < ${end})`.execute(
        tx,
      );
      const { numAffectedRows } = await sql`delete from outbox where seq < ${end}`.execute(tx);
      return Number(numAffectedRows);
    });
    removed += batch;
    if (batch < BATCH) return removed;
  }
}
