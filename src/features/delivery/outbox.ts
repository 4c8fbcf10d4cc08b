import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { UtsushiError } from '../../errors.ts';
import type { Database, Executor } from '../../platform/storage/database.ts';
import { enqueue } from './deliveries.ts';
import type { OutgoingEvent, PublishedEvent } from './events.ts';

const PUBLISHER_LOCK = 0x75747362;
const BATCH = 1_000;

/** Writes events down in the caller's transaction, so that the outside is told exactly of what was committed. */
export async function emit(tx: Executor, events: readonly OutgoingEvent[]): Promise<void> {
  if (events.length === 0) return;
  await tx
    .insertInto('outbox')
    .values(
      events.map(({ type, subject, tier, at, data }) => ({
        id: randomUUID(),
        type,
        subject,
        tier,
        at,
        body: JSON.stringify(data),
      })),
    )
    .execute();
}

/**
 * Gives committed events their place in the feed. A number drawn at writing would not do: transactions commit in
 * another order than they draw numbers, and a reader who had seen 8 would never see the 7 that came later. With their
 * place they get a delivery for every webhook that wants them, in the same transaction. Any process may call it at any
 * time: one works while the others return at once.
 *
 * @param now by the clock that deliveries go by
 * @returns the events that were published now, in order; there may be more
 */
export async function publish(
  db: Database,
  options: { readonly now: Date; readonly digestMs: number },
): Promise<PublishedEvent[]> {
  return db.transaction().execute(async (tx) => {
    const lock = await sql<{
      got: boolean;
    }>`select pg_try_advisory_xact_lock(${PUBLISHER_LOCK}) as got`.execute(tx);
    if (!lock.rows[0]!.got) return [];
    const { rows } = await sql<PublishedEvent>`
      with next as (
        select id, (select coalesce(max(seq), 0) from outbox) + row_number() over (order by inserted) as place
        from outbox where seq is null order by inserted limit ${BATCH}
      )
      update outbox set seq = next.place from next where outbox.id = next.id
      returning outbox.id, outbox.seq, outbox.type, outbox.subject, outbox.tier, outbox.at, outbox.body as data`.execute(
      tx,
    );
    const events = rows.toSorted((a, b) => a.seq - b.seq);
    await enqueue(tx, events, options);
    return events;
  });
}

/** A page of the feed. */
export interface FeedPage {
  readonly events: readonly PublishedEvent[];
  /** The place of the oldest event there is; null while there is none. */
  readonly oldest: number | null;
}

/**
 * The feed: published events after a place, oldest first.
 *
 * @param page.after 0 begins with the oldest event there is
 * @throws UtsushiError `events_removed` when events after this place are not kept any more
 */
export async function readEvents(
  db: Database,
  page: { readonly after: number; readonly limit: number },
): Promise<FeedPage> {
  const { rows } = await sql<PublishedEvent>`
    select id, seq, type, subject, tier, at, body as data from outbox
    where seq > ${page.after} order by seq limit ${page.limit}`.execute(db);
  // Asked after the page: what is removed in between makes a refusal, never a gap that nobody sees.
  const { oldest } = await db
    .selectFrom('outbox')
    .select(({ fn }) => fn.min('seq').as('oldest'))
    .executeTakeFirstOrThrow();
  if (oldest !== null && page.after > 0 && page.after < oldest - 1) {
    throw new UtsushiError(
      'events_removed',
      `the events ${page.after + 1} to ${oldest - 1} are not kept any more; the feed goes on with after=${oldest - 1}`,
      { details: { after: oldest - 1, oldest } },
    );
  }
  return { events: rows, oldest };
}
