import { createHash, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { UtsushiError } from '../../errors.ts';
import type { Database, Executor } from '../../platform/storage/database.ts';
import { recordAudit } from '../audit/index.ts';
import type { EventType, PublishedEvent } from './events.ts';
import { type By, matches, toWebhook } from './webhooks.ts';

/** A delivery that somebody is to attempt now. */
export interface Claimed {
  /** The idempotency key. */
  readonly id: string;
  readonly attempts: number;
  readonly since: Date;
  readonly event: PublishedEvent;
}

/** What could not be delivered within three days. */
export interface DeadDelivery {
  readonly id: string;
  readonly webhookId: string;
  readonly url: string;
  readonly eventId: string;
  readonly seq: number;
  readonly type: EventType;
  readonly subject: string;
  readonly attempts: number;
  readonly lastError: string | null;
  readonly diedAt: Date;
}

/** For so long an event is tried. Milliseconds. */
const GIVE_UP_MS = 3 * 86_400_000;
const FIRST_PAUSE_MS = 5_000;
const PAUSE_GROWTH = 3;
/** A receiver that comes back has everything within an hour. */
const LONGEST_PAUSE_MS = 3_600_000;
/** A receiver that asks for more was mistaken, or is. */
const LONGEST_WAIT_MS = 86_400_000;
const JITTER = 0.25;
const MOST_IN_DIGEST = 200;

/** Gives each event a delivery to every webhook that wants it, in the transaction that publishes it. */
export async function enqueue(
  tx: Executor,
  events: readonly PublishedEvent[],
  { now, digestMs }: { readonly now: Date; readonly digestMs: number },
): Promise<void> {
  if (events.length === 0) return;
  const webhooks = (await tx.selectFrom('webhooks').selectAll().execute()).map(toWebhook);
  const rows = webhooks.flatMap((webhook) =>
    events
      .filter((event) => matches(webhook, event))
      .map((event) => {
        const digest = webhook.digest && event.tier !== 'high';
        return {
          id: keyOf(event.id, webhook.id),
          webhook_id: webhook.id,
          event_id: event.id,
          seq: event.seq,
          subject: event.subject,
          digest,
          state: 'pending' as const,
          attempts: 0,
          since: now,
          next_at: digest ? nextDigest(now, digestMs) : now,
        };
      }),
  );
  const BATCH = 1_000;
  for (let at = 0; at < rows.length; at += BATCH) {
    await tx
      .insertInto('deliveries')
      .values(rows.slice(at, at + BATCH))
      .execute();
  }
}

/** Made of event and webhook, in the form of a UUID of one's own making (version 8, RFC 9562). */
function keyOf(eventId: string, webhookId: string): string {
  const hex = createHash('sha256').update(`${eventId}/${webhookId}`).digest('hex');
  const variant = ((Number.parseInt(hex[16]!, 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}

function nextDigest(now: Date, everyMs: number): Date {
  return new Date((Math.floor(now.getTime() / everyMs) + 1) * everyMs);
}

// A delivery whose turn it is: the first of its subject that is not settled. Digests have turns of their own, since
// what comes at once must not wait for them.
const FIRST_OF_SUBJECT = sql`not exists (
  select from deliveries before
  where before.webhook_id = d.webhook_id and before.digest = d.digest and before.subject = d.subject
    and before.state = 'pending' and before.seq < d.seq)`;
const FREE = sql`(d.lease_until is null or d.lease_until < clock_timestamp())`;

/** Webhooks for which there is something to do now. */
export async function dueWebhooks(db: Database, now: Date): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select w.id from webhooks w
    where w.enabled and exists (
      select from deliveries d
      where d.webhook_id = w.id and d.state = 'pending' and d.next_at <= ${now} and ${FREE} and ${FIRST_OF_SUBJECT})`.execute(
    db,
  );
  return rows.map(({ id }) => id);
}

/**
 * Takes the next delivery of a webhook, or the deliveries of its next digest. At most one of a subject is taken at a
 * time, in the order of the feed, whichever processes ask.
 *
 * @param lease names the taker; settle with the same
 * @param leaseMs after which others may take what the taker did not settle: its process died
 * @returns nothing when nothing is due
 */
export async function claim(
  db: Database,
  webhookId: string,
  { now, lease, leaseMs }: { readonly now: Date; readonly lease: string; readonly leaseMs: number },
): Promise<{ readonly digest: boolean; readonly deliveries: readonly Claimed[] }> {
  return db.transaction().execute(async (tx) => {
    // Whoever takes locks the webhook: what the next one then reads includes what this one took.
    const webhook = await tx
      .selectFrom('webhooks')
      .select('id')
      .where('id', '=', webhookId)
      .where('enabled', '=', true)
      .forUpdate()
      .executeTakeFirst();
    if (webhook === undefined) return { digest: false, deliveries: [] };
    const single = await sql<{ id: string }>`
      select d.id from deliveries d
      where d.webhook_id = ${webhookId} and not d.digest and d.state = 'pending' and d.next_at <= ${now}
        and ${FREE} and ${FIRST_OF_SUBJECT}
      order by d.seq limit 1`.execute(tx);
    const digest = single.rows.length === 0;
    const ids = digest ? await dueDigest(tx, webhookId, now) : single.rows.map(({ id }) => id);
    if (ids.length === 0) return { digest, deliveries: [] };
    const { rows } = await sql<ClaimedRow>`
      update deliveries d
      set attempts = d.attempts + 1, lease = ${lease},
        lease_until = clock_timestamp() + ${leaseMs} * interval '1 millisecond'
      from outbox o
      where o.id = d.event_id and d.id = any(${ids})
      returning d.id, d.attempts, d.since, o.id as "eventId", o.seq, o.type, o.subject, o.tier, o.at,
        o.body as data`.execute(tx);
    const deliveries = rows
      .map(({ id, attempts, since, eventId, ...event }) => ({
        id,
        attempts,
        since,
        event: { ...event, id: eventId },
      }))
      .toSorted((a, b) => a.event.seq - b.event.seq);
    return { digest, deliveries };
  });
}

/** A webhook's digests go out one after the other: while the oldest waits or is under way, there is none. */
async function dueDigest(tx: Executor, webhookId: string, now: Date): Promise<string[]> {
  const { rows } = await sql<{ id: string; due: boolean }>`
    select d.id, d.next_at <= ${now} and ${FREE} as due from deliveries d
    where d.webhook_id = ${webhookId} and d.digest and d.state = 'pending'
    order by d.seq limit ${MOST_IN_DIGEST}`.execute(tx);
  const end = rows.findIndex(({ due }) => !due);
  return (end === -1 ? rows : rows.slice(0, end)).map(({ id }) => id);
}

type ClaimedRow = Pick<Claimed, 'id' | 'attempts' | 'since'> &
  Omit<PublishedEvent, 'id'> & { readonly eventId: string };

/** Notes that these arrived. Whoever's lease was taken over in the meantime changes nothing. */
export async function settle(
  db: Database,
  lease: string,
  deliveries: readonly Claimed[],
  now: Date,
): Promise<void> {
  await db
    .updateTable('deliveries')
    .set({ state: 'delivered', settled_at: now, lease: null, lease_until: null, last_error: null })
    .where(
      'id',
      'in',
      deliveries.map(({ id }) => id),
    )
    .where('lease', '=', lease)
    .execute();
}

/** Notes that these did not arrive: they are tried again later, or given up. @returns how many were given up */
export async function postpone(
  db: Database,
  lease: string,
  deliveries: readonly Claimed[],
  failure: { readonly now: Date; readonly error: string; readonly retryAfterMs: number | undefined },
): Promise<number> {
  const { now, error, retryAfterMs = 0 } = failure;
  const most = Math.max(...deliveries.map(({ attempts }) => attempts));
  const nextAt = new Date(
    now.getTime() + Math.max(pauseAfter(most), Math.min(retryAfterMs, LONGEST_WAIT_MS)),
  );
  const [tooOld, others] = [true, false].map((old) =>
    deliveries
      .filter(({ since }) => now.getTime() - since.getTime() >= GIVE_UP_MS === old)
      .map(({ id }) => id),
  ) as [string[], string[]];
  const common = { lease: null, lease_until: null, last_error: error };
  await db.transaction().execute(async (tx) => {
    const change = (ids: string[]) =>
      tx.updateTable('deliveries').where('id', 'in', ids).where('lease', '=', lease);
    if (tooOld.length > 0)
      await change(tooOld)
        .set({ ...common, state: 'dead', settled_at: now })
        .execute();
    if (others.length > 0)
      await change(others)
        .set({ ...common, next_at: nextAt })
        .execute();
  });
  return tooOld.length;
}

/** 5 s, 15 s, 45 s … up to an hour, each up to a quarter longer, so that many do not come at the same moment. */
function pauseAfter(attempts: number): number {
  const pause = Math.min(FIRST_PAUSE_MS * PAUSE_GROWTH ** (attempts - 1), LONGEST_PAUSE_MS);
  return pause * (1 + JITTER * Math.random());
}

/** The dead letters, newest first. */
export async function listDead(
  db: Database,
  { webhookId, limit }: { readonly webhookId?: string | undefined; readonly limit: number },
): Promise<DeadDelivery[]> {
  const rows = await db
    .selectFrom('deliveries as d')
    .innerJoin('outbox as o', 'o.id', 'd.event_id')
    .innerJoin('webhooks as w', 'w.id', 'd.webhook_id')
    .selectAll('w')
    .select(['d.id', 'd.webhook_id', 'd.event_id', 'd.seq', 'd.subject', 'd.attempts', 'd.last_error'])
    .select(['d.settled_at', 'o.type'])
    .where('d.state', '=', 'dead')
    .$if(webhookId !== undefined, (query) => query.where('d.webhook_id', '=', webhookId!))
    .orderBy('d.settled_at', 'desc')
    .orderBy('d.seq', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    id: row.id,
    webhookId: row.webhook_id,
    url: toWebhook(row).url,
    eventId: row.event_id,
    seq: row.seq,
    type: row.type as EventType,
    subject: row.subject,
    attempts: row.attempts,
    lastError: row.last_error,
    diedAt: row.settled_at!,
  }));
}

/**
 * Tries dead letters again, for another three days. They keep their idempotency keys.
 *
 * @param which one delivery, all of a webhook, or all
 * @returns how many
 * @throws UtsushiError `not_found` for a delivery that is not dead
 */
export async function replay(
  db: Database,
  which: { readonly id?: string | undefined; readonly webhookId?: string | undefined },
  { actor, at }: By,
): Promise<number> {
  return db.transaction().execute(async (tx) => {
    const rows = await tx
      .updateTable('deliveries')
      .set({ state: 'pending', attempts: 0, since: at, next_at: at, settled_at: null })
      .where('state', '=', 'dead')
      .$if(which.id !== undefined, (query) => query.where('id', '=', which.id!))
      .$if(which.webhookId !== undefined, (query) => query.where('webhook_id', '=', which.webhookId!))
      .returning('id')
      .execute();
    if (which.id !== undefined && rows.length === 0)
      throw new UtsushiError('not_found', `no dead delivery has the id ${which.id}`);
    await recordAudit(
      tx,
      rows.map(({ id }) => ({ at, kind: 'delivery.replayed', subject: id, payload: { actor } })),
    );
    return rows.length;
  });
}

/** A name for one taker. */
export const newLease = (): string => randomUUID();
