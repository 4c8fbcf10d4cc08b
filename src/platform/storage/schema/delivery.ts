import type { ColumnType, GeneratedAlways } from 'kysely';

/** jsonb: read as a value, written as JSON text. */
type Json<T> = ColumnType<T, string, string>;
type Time = ColumnType<Date, Date, Date>;

export interface DeliveryTables {
  outbox: OutboxRow;
  webhooks: WebhookRow;
  deliveries: DeliveryRow;
}

/** An event for the outside, written in the transaction of what it tells of. */
export interface OutboxRow {
  id: string;
  /** Its place in the feed, given after the commit; null until then. Numbers rise without gaps in the order they are given. */
  seq: number | null;
  type: string;
  /** The id of the alert or case; events of one subject are delivered in order. */
  subject: string;
  body: Json<unknown>;
  /** Of the work concerned; null where an event concerns none. */
  tier: 'high' | 'standard' | null;
  at: Time;
  /** The order of writing, which is not the order of committing. */
  inserted: GeneratedAlways<number>;
}

/** Somebody who wants to be told of events. */
export interface WebhookRow {
  id: string;
  kind: 'json' | 'slack' | 'teams' | 'email';
  /** http(s), or mailto: with the addresses. */
  url: string;
  /** Patterns of event types, e.g. `alert.*`. */
  events: Json<string[]>;
  /** Only events of these tiers; all events when empty. */
  tiers: Json<('high' | 'standard')[]>;
  /** Whether events that are not of tier high wait for the next digest. */
  digest: boolean;
  artwork: boolean;
  /** Whether who holds the secret may report to cases. */
  callbacks: boolean;
  lang: 'ja' | 'en';
  enabled: boolean;
  /** Encrypted (see platform/secrets). */
  secret: Buffer;
  /** Also valid until then, while the receiver changes over. */
  previous_secret: Buffer | null;
  previous_until: Time | null;
  created_at: Time;
  created_by: string;
}

/** One event on its way to one webhook. */
export interface DeliveryRow {
  /** The idempotency key: made of event and webhook, so the same at every attempt and after a restored backup. */
  id: string;
  webhook_id: string;
  event_id: string;
  /** The event's place in the feed: the order of delivery within a subject. */
  seq: number;
  subject: string;
  digest: boolean;
  state: 'pending' | 'delivered' | 'dead';
  attempts: number;
  /** The three days of trying begin here. */
  since: Time;
  next_at: Time;
  /** Who is at it now; when its process died, it is free again at `lease_until` (by the database's clock). */
  lease: string | null;
  lease_until: Time | null;
  last_error: string | null;
  settled_at: Time | null;
}
