import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { UtsushiError } from '../../errors.ts';
import type { SecretBox } from '../../platform/secrets/secret-box.ts';
import type { Database, Executor } from '../../platform/storage/database.ts';
import type { DeliveryTables } from '../../platform/storage/schema/delivery.ts';
import { recordAudit } from '../audit/index.ts';
import { closeIncidents, raiseIncident } from '../incidents/index.ts';
import { EVENTS, type EventType, type Tier } from './events.ts';
import { isGenuine, newSecret } from './signature.ts';

export const KINDS = ['json', 'slack', 'teams', 'email'] as const;
export type Kind = (typeof KINDS)[number];

export interface By {
  readonly actor: string;
  readonly at: Date;
}

export interface Webhook {
  readonly id: string;
  readonly kind: Kind;
  /** Of chat services without its path, which is as good as a password. */
  readonly url: string;
  readonly events: readonly string[];
  readonly tiers: readonly Tier[];
  readonly digest: boolean;
  readonly artwork: boolean;
  readonly callbacks: boolean;
  readonly lang: 'ja' | 'en';
  readonly enabled: boolean;
  /** Until then the secret before the last rotation is valid too. */
  readonly previousSecretUntil: Date | null;
  readonly createdAt: Date;
  readonly createdBy: string;
}

/** A webhook with how far its deliveries have come. */
export interface ListedWebhook extends Webhook {
  readonly deliveries: { readonly pending: number; readonly delivered: number; readonly dead: number };
  readonly lastError: string | null;
}

/** What a webhook can be told of. */
export const SUBSCRIBABLE = (Object.keys(EVENTS) as EventType[]).filter((type) => type !== 'webhook.test');

export const newWebhookSchema = z.strictObject({
  /** http(s), or `mailto:` with addresses parted by commas. */
  url: z.string().min(1).max(2_000),
  /** What stands there; when left out, what the URL looks like. */
  kind: z.enum(KINDS).optional(),
  /** Patterns of event types: `alert.*`, `case.closed`. */
  events: z.array(z.string()).min(1).max(50).default(['*']),
  tiers: z.array(z.enum(['high', 'standard'])).default([]),
  /** People by default get a digest of what is not of tier high; programs get every event at once. */
  digest: z.boolean().optional(),
  artwork: z.boolean().default(false),
  /** Whether who holds the secret may report to cases; JSON webhooks only. */
  callbacks: z.boolean().optional(),
  lang: z.enum(['ja', 'en']).default('ja'),
});
export type NewWebhook = z.input<typeof newWebhookSchema>;

export interface WebhookContext {
  readonly db: Database;
  readonly secrets: SecretBox;
  /** @throws UtsushiError `fetch_forbidden` for a URL that may not be asked */
  readonly permit: (url: string) => Promise<void>;
  /** Whether there is a mail server to send through. */
  readonly hasMail: boolean;
}

/**
 * Adds a webhook. It is told of what is published from now on.
 *
 * @returns with its secret, which is shown this once; null where nothing is signed (chat, mail)
 * @throws UtsushiError `invalid_request`, `fetch_forbidden`
 */
export async function addWebhook(
  context: WebhookContext,
  wanted: NewWebhook,
  { actor, at }: By,
): Promise<{ webhook: Webhook; secret: string | null }> {
  const parsed = newWebhookSchema.safeParse(wanted);
  if (!parsed.success) throw new UtsushiError('invalid_request', z.prettifyError(parsed.error));
  const { url, events, tiers, artwork, lang, ...given } = parsed.data;
  const kind = given.kind ?? kindOf(url);
  for (const pattern of events) requireKnown(pattern);
  if (kind === 'email') {
    addressesOf(url);
    if (!context.hasMail)
      throw new UtsushiError('invalid_request', 'there is no mail server: set UTSUSHI_SMTP_URL');
  } else await context.permit(url);
  if (kind === 'slack' && artwork)
    throw new UtsushiError(
      'invalid_request',
      'Slack shows only pictures that anyone can load; leave artwork out',
    );
  const isJson = kind === 'json';
  if (isJson && given.digest === true)
    throw new UtsushiError('invalid_request', 'a JSON webhook gets every event by itself: it has no digest');
  if (!isJson && given.callbacks === true)
    throw new UtsushiError(
      'invalid_request',
      `who reports to cases signs it; a ${kind} webhook has no secret`,
    );
  const id = randomUUID();
  const secret = newSecret();
  const row = {
    id,
    kind,
    url,
    events: JSON.stringify(events),
    tiers: JSON.stringify(tiers),
    digest: given.digest ?? !isJson,
    artwork,
    callbacks: given.callbacks ?? isJson,
    lang,
    enabled: true,
    secret: await context.secrets.seal(secret, id),
    previous_secret: null,
    previous_until: null,
    created_at: at,
    created_by: actor,
  };
  return context.db.transaction().execute(async (tx) => {
    const added = await tx.insertInto('webhooks').values(row).returningAll().executeTakeFirstOrThrow();
    const webhook = toWebhook(added);
    await recordAudit(tx, [
      { at, kind: 'webhook.added', subject: id, payload: { actor, url: webhook.url, kind, events } },
    ]);
    return { webhook, secret: isJson ? secret : null };
  });
}

function kindOf(url: string): Kind {
  if (/^mailto:/i.test(url)) return 'email';
  const host = URL.canParse(url) ? new URL(url).hostname : '';
  if (host === 'hooks.slack.com') return 'slack';
  return /(^|\.)(logic\.azure\.com|webhook\.office\.com|api\.powerplatform\.com)$/.test(host)
    ? 'teams'
    : 'json';
}

const ADDRESS = /^[^\s@,<>]+@[^\s@,<>]+$/;

/** The addresses of a mailto: URL. @throws UtsushiError `invalid_request` */
export function addressesOf(url: string): string[] {
  const addresses = url
    .replace(/^mailto:/i, '')
    .split(',')
    .map((each) => each.trim());
  const wrong = addresses.find((each) => !ADDRESS.test(each));
  if (wrong !== undefined || !/^mailto:/i.test(url))
    throw new UtsushiError('invalid_request', `${wrong ?? url} is no mailto: URL with mail addresses`);
  return addresses;
}

function requireKnown(pattern: string): void {
  if (!SUBSCRIBABLE.some((type) => toExpression(pattern).test(type))) {
    throw new UtsushiError(
      'invalid_request',
      `${pattern} matches no event; there are ${SUBSCRIBABLE.join(', ')}, and * stands for anything`,
    );
  }
}

function toExpression(pattern: string): RegExp {
  const literal = pattern.split('*').map((part) => part.replaceAll(/[^\w]/g, (sign) => `\\${sign}`));
  return new RegExp(`^${literal.join('.*')}$`);
}

/** Whether a webhook wants an event. What concerns no tier passes every tier filter. */
export function matches(
  { events, tiers }: Pick<Webhook, 'events' | 'tiers'>,
  { type, tier }: { readonly type: EventType; readonly tier: Tier | null },
): boolean {
  if (tiers.length > 0 && tier !== null && !tiers.includes(tier)) return false;
  return events.some((pattern) => toExpression(pattern).test(type));
}

export async function listWebhooks(db: Database): Promise<ListedWebhook[]> {
  const rows = await db.selectFrom('webhooks').selectAll().orderBy('created_at').execute();
  const counts = await db
    .selectFrom('deliveries')
    .select(['webhook_id', 'state'])
    .select(({ fn }) => [fn.countAll<number>().as('n'), fn.max('last_error').as('error')])
    .groupBy(['webhook_id', 'state'])
    .execute();
  return rows.map((row) => {
    const own = counts.filter((each) => each.webhook_id === row.id);
    const n = (state: string) => own.find((each) => each.state === state)?.n ?? 0;
    return {
      ...toWebhook(row),
      deliveries: { pending: n('pending'), delivered: n('delivered'), dead: n('dead') },
      lastError: own.find((each) => each.state === 'pending')?.error ?? null,
    };
  });
}

/** Also forgets what was still to be delivered there. @throws UtsushiError `not_found` */
export async function removeWebhook(db: Database, id: string, { actor, at }: By): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const gone = await tx.deleteFrom('webhooks').where('id', '=', id).returning('id').executeTakeFirst();
    if (gone === undefined) throw unknown(id);
    await recordAudit(tx, [{ at, kind: 'webhook.removed', subject: id, payload: { actor } }]);
    await closeIncidents(tx, GONE, { of: id }, { actor, at });
  });
}

/** What an incident about a receiver that is gone is called. */
const GONE = 'webhook-gone';

/** Stops deliveries, which then wait, or lets them go on, for three days from now. @throws UtsushiError `not_found` */
export async function enableWebhook(
  db: Database,
  id: string,
  enabled: boolean,
  { actor, at }: By,
): Promise<Webhook> {
  return db.transaction().execute(async (tx) => {
    const row = await tx
      .updateTable('webhooks')
      .set({ enabled })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) throw unknown(id);
    await recordAudit(tx, [
      { at, kind: enabled ? 'webhook.enabled' : 'webhook.disabled', subject: id, payload: { actor } },
    ]);
    if (enabled) {
      await tx
        .updateTable('deliveries')
        .set({ attempts: 0, since: at, next_at: at })
        .where('webhook_id', '=', id)
        .where('state', '=', 'pending')
        .execute();
      await closeIncidents(tx, GONE, { of: id }, { actor, at });
    }
    return toWebhook(row);
  });
}

/** Disables a webhook whose receiver says that it is gone, and has people told. What waits for it goes on waiting. */
export async function giveUpOn(db: Database, id: string, why: string, at: Date): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const row = await tx
      .updateTable('webhooks')
      .set({ enabled: false })
      .where('id', '=', id)
      .where('enabled', '=', true)
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) return;
    const { url } = toWebhook(row);
    const payload = { actor: 'utsushi', why };
    await recordAudit(tx, [{ at, kind: 'webhook.disabled', subject: id, payload }]);
    await raiseIncident(
      tx,
      {
        kind: GONE,
        subject: id,
        severity: 'warning',
        message: {
          ja: `Webhook ${url} の受信側が「もう存在しない」(410)と答えたため、配信を止めました。受信側を直して有効に戻すか、削除してください。`,
          en: `The receiver of the webhook ${url} answered that it is gone (410): deliveries to it are stopped. Put it right and enable it, or remove it.`,
        },
        details: { webhookId: id },
      },
      at,
    );
  });
}

/**
 * Gives a webhook a new secret. The one before stays valid for a while: messages carry a signature of each.
 *
 * @returns the new secret, which is shown this once
 * @throws UtsushiError `not_found`, `invalid_request` where nothing is signed
 */
export async function rotateSecret(
  context: Pick<WebhookContext, 'db' | 'secrets'>,
  id: string,
  overlapMs: number,
  { actor, at }: By,
): Promise<{ webhook: Webhook; secret: string }> {
  const secret = newSecret();
  const sealed = await context.secrets.seal(secret, id);
  return context.db.transaction().execute(async (tx) => {
    const before = await findRow(tx, id);
    if (before.kind !== 'json')
      throw new UtsushiError('invalid_request', `a ${before.kind} webhook has no secret`);
    const row = await tx
      .updateTable('webhooks')
      .set({
        secret: sealed,
        previous_secret: overlapMs > 0 ? before.secret : null,
        previous_until: overlapMs > 0 ? new Date(at.getTime() + overlapMs) : null,
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    await recordAudit(tx, [{ at, kind: 'webhook.rotated', subject: id, payload: { actor } }]);
    return { webhook: toWebhook(row), secret };
  });
}

/** A webhook as it is delivered to: with its whole address and the secrets valid now, newest first. */
export interface Endpoint extends Webhook {
  readonly address: string;
  readonly validSecrets: readonly string[];
}

/** @throws UtsushiError `not_found`, `secret_unreadable` */
export async function openEndpoint(
  { db, secrets }: Pick<WebhookContext, 'db' | 'secrets'>,
  id: string,
  now: Date,
): Promise<Endpoint> {
  const row = await findRow(db, id);
  const sealed = [
    row.secret,
    ...(row.previous_secret !== null && row.previous_until! > now ? [row.previous_secret] : []),
  ];
  const validSecrets = await Promise.all(sealed.map((each) => secrets.unseal(each, id)));
  return { ...toWebhook(row), address: row.url, validSecrets };
}

/**
 * Who signed a message that came in from a system that webhooks go to.
 *
 * @returns the webhook whose secret it was signed with; undefined when it is not genuine, too old, or may not report
 */
export async function signerOf(
  context: Pick<WebhookContext, 'db' | 'secrets'>,
  headers: {
    readonly webhook: string;
    readonly id: string;
    readonly timestamp: string;
    readonly signature: string;
  },
  body: Uint8Array,
  now: Date,
): Promise<Webhook | undefined> {
  if (!z.uuid().safeParse(headers.webhook).success || headers.id === '') return undefined;
  const endpoint = await openEndpoint(context, headers.webhook, now).catch((thrown: unknown) => {
    if (thrown instanceof UtsushiError && thrown.code === 'not_found') return undefined;
    throw thrown;
  });
  if (endpoint === undefined || !endpoint.enabled || !endpoint.callbacks) return undefined;
  const parts = { id: headers.id, timestamp: Number(headers.timestamp), body };
  return isGenuine(endpoint.validSecrets, parts, headers.signature, now) ? endpoint : undefined;
}

type WebhookRow = DeliveryTables['webhooks'];
type StoredWebhook = Omit<WebhookRow, 'events' | 'tiers' | 'created_at' | 'previous_until'> & {
  readonly events: string[];
  readonly tiers: Tier[];
  readonly created_at: Date;
  readonly previous_until: Date | null;
};

async function findRow(db: Executor, id: string): Promise<StoredWebhook> {
  const row = await db.selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw unknown(id);
  return row;
}

function unknown(id: string): UtsushiError {
  return new UtsushiError('not_found', `no webhook has the id ${id}`);
}

export function toWebhook(row: StoredWebhook): Webhook {
  const hidden = row.kind === 'slack' || row.kind === 'teams';
  return {
    id: row.id,
    kind: row.kind,
    url: hidden ? `${new URL(row.url).origin}/…` : row.url,
    events: row.events,
    tiers: row.tiers,
    digest: row.digest,
    artwork: row.artwork,
    callbacks: row.callbacks,
    lang: row.lang,
    enabled: row.enabled,
    previousSecretUntil: row.previous_until,
    createdAt: row.created_at,
    createdBy: row.created_by,
  };
}
