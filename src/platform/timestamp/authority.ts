import type { WebClient } from '../fetch/web-client.ts';
import { checkTimestamp, timestampRequest, timestampToken } from './rfc3161.ts';

const MOST_BYTES = 2 ** 20;

/**
 * Asks a time-stamp authority (RFC 3161 over HTTP) for a token over these bytes; only their SHA-256 is sent.
 *
 * @throws UtsushiError `timestamp_refused`, `timestamp_invalid`, or as `WebClient.get`
 */
export async function askAuthority(web: WebClient, url: string, bytes: Uint8Array): Promise<Uint8Array> {
  const answer = await web.get(url, {
    method: 'POST',
    accept: 'application/timestamp-reply',
    headers: { 'content-type': 'application/timestamp-query' },
    body: timestampRequest(bytes),
    maxBytes: MOST_BYTES,
    robots: 'ignore',
  });
  const token = timestampToken(answer.bytes);
  // A token about something else would be found out only when it is needed.
  await checkTimestamp(token, bytes, []);
  return token;
}
