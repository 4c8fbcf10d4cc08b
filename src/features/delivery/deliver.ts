import { randomUUID } from 'node:crypto';
import { UtsushiError, asUtsushiError } from '../../errors.ts';
import type { WebClient } from '../../platform/fetch/web-client.ts';
import type { SecretBox } from '../../platform/secrets/secret-box.ts';
import type { Mailer } from '../../platform/mail/mailer.ts';
import type { Database } from '../../platform/storage/database.ts';
import type { PublishedEvent } from './events.ts';
import { slackBody, teamsBody } from './chat.ts';
import { type Claimed, claim, newLease, postpone, settle } from './deliveries.ts';
import { toMail } from './mail.ts';
import { linkTo, toMessage } from './message.ts';
import { sign } from './signature.ts';
import { type By, type Endpoint, addressesOf, giveUpOn, openEndpoint } from './webhooks.ts';
import { type Facts, read } from './wording.ts';

export interface DeliveryDependencies {
  readonly db: Database;
  readonly clock: () => Date;
  /** Without the limits of hosts: how much is sent is decided here. */
  readonly web: WebClient;
  readonly mailer: Mailer | undefined;
  readonly secrets: SecretBox;
  /** Where people reach the console. */
  readonly publicUrl: string;
  /** What people are told of an event besides; with a picture only when asked for. */
  readonly factsOf: (event: PublishedEvent, artwork: boolean) => Promise<Facts>;
  /** One exchange with a receiver. Milliseconds. */
  readonly timeoutMs: number;
}

export interface DeliveryReport {
  readonly delivered: number;
  readonly failed: number;
  readonly dead: number;
}

interface Sent {
  readonly id: string;
  readonly event: PublishedEvent;
}

/** Deliveries to one webhook under way at once; of one subject there is never more than one. */
const LANES = 4;
/** A job ends after this time at the latest; what is left is the next one's. */
const MOST_MS = 60_000;
const MOST_ANSWER_BYTES = 64 * 1024;
/** Longer than an exchange with all it takes before and after. */
const LEASE_TIMEOUTS = 3;

/**
 * Delivers what is due to one webhook, in order within each subject. What fails is noted with the delivery and tried
 * again later; nothing is thrown for it.
 *
 * @param signal when aborted, nothing more is begun
 */
export async function deliverDue(
  dependencies: DeliveryDependencies,
  webhookId: string,
  signal?: AbortSignal,
): Promise<DeliveryReport> {
  const { db, clock, timeoutMs } = dependencies;
  const report = { delivered: 0, failed: 0, dead: 0 };
  const until = performance.now() + MOST_MS;
  const lane = async () => {
    while (signal?.aborted !== true && performance.now() < until) {
      const lease = newLease();
      const taken = { now: clock(), lease, leaseMs: LEASE_TIMEOUTS * timeoutMs };
      const { digest, deliveries } = await claim(db, webhookId, taken);
      if (deliveries.length === 0) return;
      const failure = await attempt(dependencies, webhookId, deliveries, digest);
      if (failure === undefined) {
        await settle(db, lease, deliveries, clock());
        report.delivered += deliveries.length;
      } else {
        const { message, code, retryAfterMs } = failure;
        const why = { now: clock(), error: `${code}: ${message}`, retryAfterMs };
        report.dead += await postpone(db, lease, deliveries, why);
        report.failed += deliveries.length;
        if (isGone(failure)) await giveUpOn(db, webhookId, message, clock());
      }
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return report;
}

/** 410 says that this receiver will never be there again (Standard Webhooks, "Delivery"); all else may pass. */
function isGone({ details }: UtsushiError): boolean {
  return (details as { status?: number } | undefined)?.status === 410;
}

/** @returns why it failed; undefined when the receiver has taken it */
async function attempt(
  dependencies: DeliveryDependencies,
  webhookId: string,
  deliveries: readonly Claimed[],
  digest: boolean,
): Promise<UtsushiError | undefined> {
  try {
    const endpoint = await openEndpoint(dependencies, webhookId, dependencies.clock());
    await send(dependencies, endpoint, deliveries, digest);
    return undefined;
  } catch (thrown) {
    return asUtsushiError(thrown);
  }
}

/**
 * Sends a test to a webhook now, past everything that waits for it.
 *
 * @throws UtsushiError `not_found`, or why the receiver did not take it
 */
export async function sendTest(
  dependencies: DeliveryDependencies,
  webhookId: string,
  { actor, at }: By,
): Promise<{ readonly id: string }> {
  const endpoint = await openEndpoint(dependencies, webhookId, at);
  const event: PublishedEvent = {
    id: randomUUID(),
    seq: 0,
    type: 'webhook.test',
    subject: webhookId,
    tier: null,
    at,
    data: { webhookId, actor },
  };
  const id = randomUUID();
  await send(dependencies, endpoint, [{ id, event }], false);
  return { id };
}

/** @throws UtsushiError for anything but an answer 2xx, or a mail server that took it */
async function send(
  dependencies: DeliveryDependencies,
  endpoint: Endpoint,
  deliveries: readonly Sent[],
  digest: boolean,
): Promise<void> {
  const { publicUrl, factsOf, mailer } = dependencies;
  const { kind, lang, artwork, address } = endpoint;
  const facts = (event: PublishedEvent) => factsOf(event, artwork && !digest);
  if (kind === 'json') {
    const { id, event } = deliveries[0]!;
    const picture = artwork ? (await facts(event)).artwork : undefined;
    const body = JSON.stringify(toMessage(event, publicUrl, picture));
    return post(dependencies, address, body, signedHeaders(dependencies, endpoint, id, body));
  }
  const readings = [];
  for (const { event } of deliveries) {
    readings.push(read(event, await facts(event), linkTo(publicUrl, event), lang));
  }
  if (kind === 'email') {
    const keys = deliveries.map(({ id }) => id);
    // Without the setting it waits, as it does while the server is away.
    if (mailer === undefined)
      throw new UtsushiError('mail_failed', 'there is no mail server: set UTSUSHI_SMTP_URL');
    return mailer.send(toMail(readings, { to: addressesOf(address), keys, lang }));
  }
  const body = kind === 'slack' ? slackBody(readings, lang) : teamsBody(readings, lang);
  return post(dependencies, address, JSON.stringify(body), {});
}

function signedHeaders(
  { clock }: DeliveryDependencies,
  { id: webhook, validSecrets }: Endpoint,
  id: string,
  body: string,
): Record<string, string> {
  const timestamp = Math.floor(clock().getTime() / 1_000);
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': sign(validSecrets, { id, timestamp, body }),
    'utsushi-webhook': webhook,
  };
}

async function post(
  { web }: DeliveryDependencies,
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const request = {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
    redirects: 'refuse',
    robots: 'ignore',
    maxBytes: MOST_ANSWER_BYTES,
  } as const;
  await web.get(url, request).catch((thrown: unknown) => {
    // A status that refuses is seen before the answer is read: this one was taken, however long the thanks.
    if (!(thrown instanceof UtsushiError) || thrown.code !== 'image_too_large') throw thrown;
  });
}
