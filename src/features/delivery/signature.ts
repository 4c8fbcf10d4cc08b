import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * Signatures as the Standard Webhooks specification 1.0 describes them (standardwebhooks.com): HMAC-SHA256 over
 * `id.timestamp.body`, base64, one for each secret that is valid, so that a receiver may hold the old or the new one.
 */
export interface SignedParts {
  /** The header `webhook-id`: the idempotency key. */
  readonly id: string;
  /** The header `webhook-timestamp`: seconds since 1970. */
  readonly timestamp: number;
  readonly body: string | Uint8Array;
}

/** A message is as old as this at most, either way, to be taken: older ones may be replayed by who overheard them. */
export const TOLERANCE_MS = 5 * 60_000;

const PREFIX = 'whsec_';
const SECRET_BYTES = 32;
const VERSION = 'v1';

/** A new secret in the standard's own notation. */
export function newSecret(): string {
  return `${PREFIX}${randomBytes(SECRET_BYTES).toString('base64')}`;
}

/** The header `webhook-signature`. */
export function sign(secrets: readonly string[], parts: SignedParts): string {
  return secrets.map((secret) => `${VERSION},${mac(secret, parts).toString('base64')}`).join(' ');
}

/**
 * Whether one of the signatures was made with one of the secrets, at about this time.
 *
 * @param signature the header `webhook-signature`: signatures parted by spaces
 */
export function isGenuine(
  secrets: readonly string[],
  parts: SignedParts,
  signature: string,
  now: Date,
): boolean {
  const age = Math.abs(now.getTime() - parts.timestamp * 1_000);
  // Written so that a timestamp that is no number is refused too.
  if (!(age <= TOLERANCE_MS)) return false;
  const given = signature
    .split(' ')
    .filter((each) => each.startsWith(`${VERSION},`))
    .map((each) => Buffer.from(each.slice(VERSION.length + 1), 'base64'));
  return secrets.some((secret) => {
    const wanted = mac(secret, parts);
    return given.some((each) => each.length === wanted.length && timingSafeEqual(each, wanted));
  });
}

function mac(secret: string, { id, timestamp, body }: SignedParts): Buffer {
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
}
